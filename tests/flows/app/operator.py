"""A small operator's folder as `boxoffice import` takes it, for a portal and a provider beside it.

Addresses and secrets come from the environment of the import, as an operator would do it.
"""

import json
from pathlib import Path

FACTS = Path(__file__).resolve().parents[2] / "facts" / "stalker-portal-state.json"
PORTAL_LOGIN, PORTAL_PASSWORD = "stalker", "secret_pass"
TARGET = "north"
PROVIDER = "cards"
PROVIDER_KEY = "sk_test_operator"
WEBHOOK_SECRET = "whsec_of_the_operator"

# Prices a month without tax; 20 % come on top.
FILES = {
    "operator.toml": """
        [operator]
        name = "North TV"
        currency = "EUR"
        zone = "Europe/Vienna"
        locale = "en"
        country = "AT"

        [targets.north]
        kind = "ministra"
        base_url = "${PORTAL_URL}"
        login = "${PORTAL_LOGIN}"
        password = "${PORTAL_PASSWORD}"
        api_path = "/stalker_portal/api"

        [payments.cards]
        kind = "stripe"
        base_url = "${PROVIDER_URL}"
        secret_key = "${PROVIDER_KEY}"
        webhook_secrets = ["${WEBHOOK_SECRET}"]

        [[dunning.steps]]
        after_days = 1
        action = "retry"

        [[dunning.steps]]
        after_days = 3
        action = "notice"
        notice = "payment_reminder"

        [[dunning.steps]]
        after_days = 5
        action = "notice"
        notice = "suspension_warning"

        [[dunning.steps]]
        after_days = 5
        action = "suspend"

        [guard]
        share_percent = 100
        floor = 1000
        """,
    "taxes.csv": """
        tax,effective_from,rate
        standard,2020-01-01,20%
        """,
    "offerings.csv": """
        code,kind,name,grants,tax,billed,window,model
        BASIC,plan,Basic,base,standard,,,
        GOLD,plan,Gold,all,standard,,,
        SPORT,addon,Sport pack,sport,standard,,,
        KIDS,addon,Kids pack,kids,standard,,,
        PASS,one_off,Sport for two days,sport,standard,next_invoice,48h,
        VISIT,one_off,Visit,,standard,next_invoice,,
        BOX,rental,Set-top box,,standard,,,M1
        """,
    "prices.csv": """
        offering,effective_from,currency,amount
        BASIC,2020-01-01,EUR,10.00
        GOLD,2020-01-01,EUR,20.00
        SPORT,2020-01-01,EUR,5.00
        KIDS,2020-01-01,EUR,3.00
        BOX,2020-01-01,EUR,2.00
        PASS,2020-01-01,EUR,4.00
        VISIT,2020-01-01,EUR,30.00
        """,
    "routes.csv": """
        code,target,role,target_code
        base,north,tariff,basic
        all,north,tariff,premium
        sport,north,package,sport
        kids,north,package,kids
        """,
}


def write_operator(folder: Path) -> Path:
    """Write the files into a new folder and return it."""
    folder.mkdir()
    for name, text in FILES.items():
        lines = (line.strip() for line in text.strip().splitlines())
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def secrets(portal_url: str, provider_url: str) -> dict[str, str]:
    """Return what the files read from the environment of the import."""
    return {
        "PORTAL_URL": portal_url,
        "PORTAL_LOGIN": PORTAL_LOGIN,
        "PORTAL_PASSWORD": PORTAL_PASSWORD,
        "PROVIDER_URL": provider_url,
        "PROVIDER_KEY": PROVIDER_KEY,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
    }


def write_portal(path: Path) -> Path:
    """Write the state of a portal without accounts, where both tariffs offer both packages."""
    state = json.loads(FACTS.read_text("utf-8"))
    offered = [{"id": 2, "optional": True}, {"id": 4, "optional": True}]
    for tariff in state["tariffs"]:
        own = [package for package in tariff["packages"] if not package["optional"]]
        tariff["packages"] = [*own, *offered]
    path.write_text(json.dumps(state), encoding="utf-8")
    return path


def write_provider(path: Path, customers_count: int = 0) -> Path:
    """Write the state of a provider that knows so many customers, each with a good card."""
    numbers = range(1, customers_count + 1)
    state = {
        "api_keys": [PROVIDER_KEY],
        "customers": [
            {
                "id": customer_of(number),
                "name": f"Household {number}",
                "payment_method": method_of(number),
                "card": "visa",
            }
            for number in numbers
        ],
    }
    path.write_text(json.dumps(state), encoding="utf-8")
    return path


def customer_of(number: int) -> str:
    """Return the provider's id of household `number`."""
    return f"cus_household_{number:04}"


def method_of(number: int) -> str:
    """Return the provider's id of the card of household `number`."""
    return f"pm_household_{number:04}"


def contract_of(number: int) -> str:
    """Return the contract of household `number`: 7 has 100007."""
    return str(100_000 + number)


def mac_of(number: int) -> str:
    """Return the MAC of the box of household `number`: that of 7 ends in 07."""
    return f"00:1A:79:10:{number // 256:02X}:{number % 256:02X}"
