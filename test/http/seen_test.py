#!/usr/bin/env python3
"""What no test has seen of the API: /usr/bin/python3 test/http/seen_test.py --folder FOLDER [--binary PATH]

FOLDER is what HUITOU_API_SEEN named while the tests ran (test/api.py writes there). Fails where an endpoint never answered as it
should, or never gave an error that it declares, unless unseen.json has a reason why that cannot be provoked from outside;
and where unseen.json names what was seen after all, but for its "moments", which a test may meet or not.
"""
import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api import Contract  # noqa: E402
from program import Tally, arguments  # noqa: E402


def main():
    args = arguments(__doc__, folder={"default": None})
    folder = pathlib.Path(args.folder)
    reasons = json.loads((pathlib.Path(__file__).parent / "unseen.json").read_text(encoding="utf-8"))
    statuses, codes = collections.defaultdict(set), collections.defaultdict(set)
    for file in folder.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            seen = json.loads(line)
            statuses[seen["operation"]].add(seen["status"])
            codes[seen["operation"]].update(seen["codes"])
    tally, excused = Tally(), 0
    everywhere, moments, used = reasons["*"], reasons.pop("moments"), set()
    for operation in Contract.of(args.binary).operations.values():
        own = reasons.get(operation.name, {})
        tally.check(operation.success in statuses[operation.name], f"{operation.name} never answered {operation.success}")
        for code in sorted(operation.codes()):
            if code in codes[operation.name]:
                tally.check(code not in own, f"{operation.name}: {code} was seen; take it out of unseen.json")
            elif code in own or code in everywhere:
                used.add((operation.name, code) if code in own else ("*", code))
                excused += 1
            elif code in moments.get(operation.name, {}):
                excused += 1
            else:
                tally.check(False, f"{operation.name} never answered {code}")
    for name, why in reasons.items():
        for code in why:
            tally.check((name, code) in used, f"unseen.json: {name}, {code} excuses nothing")
    print(f"{sum(map(len, codes.values()))} errors seen at {len(statuses)} endpoints, {excused} excused")
    tally.finish()


if __name__ == "__main__":
    main()
