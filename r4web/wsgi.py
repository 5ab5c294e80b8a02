import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")
# Requests run side by side: one that ranks must not also spread over all cores, where it takes several times the work.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by numpy and onnxruntime when they load

application = get_wsgi_application()
