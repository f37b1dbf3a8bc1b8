"""Plays the example clients named on the command line, one after the other; a line `name<TAB>outcome<TAB>detail` for each."""

import faulthandler
import sys
import traceback

import explicit_contents  # noqa: F401
import images  # noqa: F401
import inference  # noqa: F401
import model_control  # noqa: F401
import sequences  # noqa: F401
import shared_memory  # noqa: F401
from registry import EXAMPLES, apis_of

SECONDS_EACH = 120


def main(names):
    for name in names:
        # One that hangs says where, and ends the run.
        faulthandler.dump_traceback_later(SECONDS_EACH, exit=True)
        try:
            for api in apis_of(name):
                EXAMPLES[name](api)
            print(f"{name}\tpassed\t", flush=True)
        except Exception as error:
            traceback.print_exc()
            print(f"{name}\tfailed\t{type(error).__name__}: {' '.join(str(error).split())}", flush=True)
    faulthandler.cancel_dump_traceback_later()


main(sys.argv[1:])
