"""Starts moto's server with one of its faults mended, so that it can run more than one Step Functions execution.

moto 5.2.1 copies the whole state machine deeply for every StartExecution and meets the locks of earlier executions there
("cannot pickle '_thread.RLock' object"). An execution that is copied as itself is good enough for a test.
"""

import sys

from moto.server import main
from moto.stepfunctions.models import Execution
from moto.stepfunctions.parser.backend.execution import Execution as InterpretedExecution

for kind in (Execution, InterpretedExecution):
    kind.__deepcopy__ = lambda self, memo: self

if __name__ == "__main__":
    main(sys.argv[1:])
