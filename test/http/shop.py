"""A small shop's orders for the tests of the API: who bought is known by phone, two people share a mail address, some bought
without a name. Phones 13900000000 …, as in test/crash/promises.py."""
import csv

MAP = """{
  "name": "till", "source": "shop", "format": "csv", "header": true, "encoding": "utf-8",
  "time_format": "%Y-%m-%d %H:%M", "time_zone": "UTC",
  "columns": {"order_number": "number", "order_time": "time", "phone": "phone", "buyer_id": "account",
              "buyer_name": "name",
              "product_code": "product", "quantity": "quantity", "unit_price": "price", "state": "state",
              "channel": "channel"},
  "states": {"paid": "paid", "done": "received", "new": "created"}
}
"""


def phone(customer):
    return f"139{customer:08d}"


def write(folder, customers=40, orders_each=3, anonymous=2, with_buyers=True, proposals=0):
    """orders.csv and map.json in the folder; their paths. proposals: so many times two accounts share a phone (from 50000
    on), so that a merge is proposed."""
    rows = []
    for pair in range(proposals):
        for account in "ab":
            rows.append([f"S{pair:05d}{account}", f"2024-05-0{pair + 1} 1{account == 'b':d}:00", phone(50000 + pair), f"u{pair}{account}",
                         f"顾客{50000 + pair}号", "P1", "1", "30.00", "done", "online"])
    for customer in range(customers):
        for order in range(orders_each):
            rows.append([f"N{customer:05d}-{order}", f"2024-{order % 12 + 1:02d}-{customer % 28 + 1:02d} 10:00",
                         phone(customer) if with_buyers else "", "", f"顾客{customer}号" if with_buyers else "",
                         f"P{customer % 7}", "1", f"{10 + customer}.50", "done", "online"])
    for number in range(anonymous):
        rows.append([f"A{number:05d}", "2024-02-02 10:00", "", "", "", "P0", "1", "9.90", "done", "shop"])
    file, map_file = folder / "orders.csv", folder / "map.json"
    with open(file, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow("number,time,phone,account,name,product,quantity,price,state,channel".split(","))
        writer.writerows(rows)
    map_file.write_text(MAP)
    return file, map_file


NAME = "顾客[0-9]+号"
