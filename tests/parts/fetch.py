"""`fetch.py ADDRESS`: prints what is there, or the status where that is an error."""

import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(sys.argv[1], timeout=20) as response:
        print(response.read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
