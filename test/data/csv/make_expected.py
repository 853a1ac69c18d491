#!/usr/bin/env python3
"""Writes the nasty CSV files of this folder and, as expected.json, their cells as Python's csv module reads them.

Run it here after a change: python3 make_expected.py. A line break inside a cell is LF in our reading, so CRLF is written
as LF in the expected cells; blank lines are no rows. What we refuse and Python reads (a blank before an opening quote) is
not in here but in table_input_test.c.
"""
import csv
import io
import json
import random

FILES = {
    "plain.csv": (",", b"a,b,c\n1,2,3\n4,5,6\n"),
    "crlf.csv": (",", b"a,b,c\r\n1,2,3\r\n\r\n4,5,6\r\n"),
    "no_last_line_end.csv": (",", b"a,b\n1,2"),
    "no_last_line_end_quoted.csv": (",", b'a,b\n1,"2"'),
    "bom.csv": (",", b'\xef\xbb\xbf"a",b\n1,2\n'),
    "empty_cells.csv": (",", b"a,b,c\n,,\n1,,\n,,3\n\"\",\"\",x\n"),
    "one_column.csv": (",", b'a\n1\n""\n\n2\n'),
    "uneven.csv": (",", b"a,b,c\n1\n1,2\n1,2,3,4,5\n"),
    "spaces_kept.csv": (",", b"a , b,c\n 1 ,  2,\t3\t\n  x y  , ,z \n"),
    "quotes.csv": (",", b'a,b\n"x","y"\n"say ""hi""","""\"\n"""a""",""""\n'),
    "delimiter_in_quotes.csv": (",", b'a,b\n"1,2",3\n"x,""y"",z",","\n'),
    "line_break_in_quotes.csv": (",", b'a,b,c\n1,"two\nlines",3\n4,"\n\n",6\n7,8,"end\n"\n'),
    "crlf_in_quotes.csv": (",", b'a,b\r\n1,"two\r\nlines"\r\n"\r\n",4\r\n'),
    "blank_line_in_quotes.csv": (",", b'a,b\n1,"x\n\n   \ny"\n\n2,z\n'),
    "quote_inside_cell.csv": (",", b'a,b\n12" ruler,3\n5\'4",x"y"z\nab"",q\n1,2"\n'),
    "hash.csv": (",", b"a,b\n#1,2\n# no comment,3\n"),
    "semicolon.csv": (";", b'a;b\n1,5;"2;5"\n";";,\n'),
    "tab.csv": ("\t", b'a\tb\tc\n1\t\t3\n"x\ty"\tx "\t \n\t\t\n'),
    "pipe.csv": ("|", b'a|b\n1|"2|3"\n||\n'),
    "utf8.csv": (",", "订单号,买家\n1,\"张三，李四\"\n2,é\U0001f600\n　,\u00a0\n".encode()),
    "long_number.csv": (",", b'"order","x"\n="123",6917926768823643751\n"\t6917926768823643751",\'13800138000\n'),
    "backslash.csv": (",", b'a,b\n\\,"\\"\n"\\""x",1\n'),
    "no_rows.csv": (",", b"a,b\n"),
    "empty.csv": (",", b""),
    "only_blank_lines.csv": (",", b"\n\r\n\n"),
    "hundred_lines.csv": (",", b'a,b\n1,"' + b"x\n" * 99 + b'"\n2,y\n'),
}


def random_file(seed, delimiter):
    """Cells made of the characters that matter, each quoted or not as the csv module or chance has it."""
    rng = random.Random(seed)
    out = io.StringIO()
    alphabet = ["a", "b", " ", '"', "'", delimiter, ",", ";", "\n", "\r\n", "\\", "#", "é", "中"]
    for _ in range(300):
        cells = []
        for _ in range(rng.randint(1, 6)):
            cell = "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 8)))
            plain = not any(c in cell for c in ['"', "\n", "\r", delimiter])
            if plain and cell.strip() and rng.random() < 0.5:
                cells.append(cell)
            else:
                cells.append('"' + cell.replace('"', '""') + '"')
        out.write(delimiter.join(cells) + rng.choice(["\n", "\r\n"]))
    return out.getvalue().encode()


FILES["random_comma.csv"] = (",", random_file(1, ","))
FILES["random_tab.csv"] = ("\t", random_file(2, "\t"))
FILES["random_semicolon.csv"] = (";", random_file(3, ";"))

expected = []
for name, (delimiter, content) in FILES.items():
    with open(name, "wb") as file:
        file.write(content)
    text = content.decode("utf-8-sig")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    cells = [[cell.replace("\r\n", "\n") for cell in row] for row in rows if row]
    expected.append({"file": name, "delimiter": delimiter, "rows": cells})
with open("expected.json", "w", encoding="utf-8") as file:
    json.dump(expected, file, ensure_ascii=False, indent=0)
    file.write("\n")
