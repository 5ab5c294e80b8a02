import gc
import os
import sys

from django.core.wsgi import get_wsgi_application
from django.template import engines
from django.urls import get_resolver

from r4web import heaps
from r4web.patience import patient

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")
# Requests run side by side: one that ranks must not also spread over all cores, where it takes several times the work.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by numpy and onnxruntime when they load
# Each of its connections would fill that much with pages that the operating system keeps once for all of them.
os.environ.setdefault("R4_SQLITE_CACHE_MB", "2")
heaps.hold_little()
# A thread that waits for the interpreter gets it after that many seconds. At Python's 5 ms a list, which asks the
# database a dozen times, waits through a dozen turns of the other threads, however cheap their requests are.
sys.setswitchinterval(0.0005)

application = patient(get_wsgi_application())
# Pages and templates are loaded before the first person asks, who would wait two seconds for them.
_ = get_resolver().url_patterns
card = engines["card"].env  # type: ignore[attr-defined] # jinja's
for name in card.list_templates(filter_func=lambda name: name.startswith("card/")):
    card.get_template(name)
# What is loaded by now stays for good, and a request leaves few cycles: looking for them at every 700 new objects,
# through all that lives, takes a tenth of what deciding a card costs.
gc.freeze()
gc.set_threshold(10_000, 20, 20)
