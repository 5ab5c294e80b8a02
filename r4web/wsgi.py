import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")
# Requests run side by side: one that ranks must not also spread over all cores, where it takes several times the work.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by numpy and onnxruntime when they load
# A thread that waits for the interpreter gets it after that many seconds. At Python's 5 ms a list, which asks the
# database a dozen times, waits through a dozen turns of the other threads, however cheap their requests are.
sys.setswitchinterval(0.0005)

application = get_wsgi_application()
# What is loaded by now stays for good, and a request leaves few cycles: looking for them at every 700 new objects,
# through all that lives, takes a tenth of what deciding a card costs.
gc.freeze()
gc.set_threshold(10_000, 20, 20)
