"""What a page is told."""

import json
import re


def page_config(page):
    """What a page is told of its server, of its kernel and of the extensions that it loads."""
    return json.loads(re.search(r'id="jupyter-config-data" type="application/json">(.*?)</script>', page)[1])
