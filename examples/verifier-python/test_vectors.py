"""Vectors of the parts: `python3 -m unittest` in this folder. Sources are named with each vector."""

import json
import os
import unittest
from base64 import b64encode

import ed25519
import meter
import secp256k1
from canonical import NotJson, canonical_text, is_canonical, parse_json
from entry import GENESIS, MAX_LINE, entry_hash, read_entry
from fields import Malformed, address
from heads_index import Index, head_in, slot_hash, slot_of
from keccak import keccak256
from merkle import EMPTY_ROOT, Tree, anchor_of, decode_base64, head_of, is_included, leaf_hash, node_hash, parse_heads, parse_leaf, root_of
from note import BadNote, end_of_signing, key_id, open_note, parse_checkpoint, parse_key, parse_keys
from receipts import read_receipt
from typed_data import delegation_digest, domain, intent_digest, permit_digest, request_digest, revocation_digest, transfer_digest

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "../../test/vectors/countersign-v1.json"), encoding="utf-8") as file:
    VECTORS = json.load(file)
with open(os.path.join(HERE, "../../test/vectors/metered-charges.json"), encoding="utf-8") as file:
    CHARGES = json.load(file)
HALF = secp256k1.ORDER // 2


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("0x", ""))


class Keccak(unittest.TestCase):
    def test_hashes_like_ethereum(self) -> None:
        # Ethereum yellow paper, appendix F: the empty hash; docs/wire-format.md §2: a name and a type string.
        self.assertEqual(keccak256(b"").hex(), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
        self.assertEqual(keccak256(b"Countersign").hex(), "e5deb2cdfef7978b1aa63d8aa400a77ec8e20d846869151617ce0fb29caf03e1")
        self.assertEqual(domain(84532).hex(), "7d39d44d83ba80316defd02af494b4df0357d5d8f0cbcd90a8c63c0db13c60ff")

    def test_differs_at_each_length_around_a_block(self) -> None:
        # 135 bytes: both padding bytes are one (0x81).
        self.assertEqual(len({keccak256(b"a" * size) for size in range(130, 141)}), 11)


class Meter(unittest.TestCase):
    # test/vectors/metered-charges.json
    def test_computes_charges(self) -> None:
        for case in CHARGES["cases"]:
            terms = CHARGES["meters"][case["meter"]]
            rates = meter.rates_by_hash(terms)[case["rates"]]
            charge = meter.charge(terms, rates, case["basis"], case["usage"], int(case["maximum"]))
            self.assertEqual(None if charge is None else str(charge), case["charge"])

    def test_reads_terms_and_refuses_others(self) -> None:
        terms = CHARGES["meters"]["final"]
        self.assertEqual(meter.meter(terms), terms)
        usage = terms["usage"]
        for wrong in (
            {**terms, "discount": "10"}, {**terms, "idleSeconds": 0}, {**terms, "missing": "maximum"}, {**terms, "includeUsage": False},
            {**terms, "rates": "sold"}, {**terms, "rates": {}}, {**terms, "rates": {"tokens": "$1 per 0"}}, {**terms, "min": "0"},
            {**terms, "usage": {"from": "guess"}}, {**terms, "usage": {**usage, "events": ["usage"]}},
            {**terms, "usage": {**usage, "events": ["/" + "a" * 256]}}, {**terms, "usage": {**usage, "end": {"data": ""}}},
            {name: value for name, value in terms.items() if name != "readOn"},
        ):  # fmt: skip
            with self.assertRaises(Malformed):
                meter.meter(wrong)


class Secp256k1(unittest.TestCase):
    # docs/wire-format.md §6: the vector paid.payment.
    digest = unhex("b8601816857f17f2b02c496139e57c3b9a75430d9769d2fed72c48dc0c1bc423")
    signer = "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"

    def setUp(self) -> None:
        self.signature = VECTORS["paid"]["payment"]["signature"]

    def reason(self, signature: str) -> str:
        with self.assertRaises(secp256k1.BadSignature) as caught:
            secp256k1.recover(self.digest, signature)
        return caught.exception.reason

    def test_recovers_the_signer(self) -> None:
        self.assertEqual(secp256k1.recover(self.digest, self.signature), self.signer)

    def test_recovers_another_signer_for_another_digest(self) -> None:
        self.assertNotEqual(secp256k1.recover(self.digest[::-1], self.signature), self.signer)

    def test_refuses_a_high_s(self) -> None:
        r, s, odd = secp256k1.read_strict(self.signature)
        flipped = f"0x{r:064x}{secp256k1.ORDER - s:064x}{28 - odd:02x}"
        self.assertEqual(self.reason(flipped), "high_s")

    def test_refuses_other_recovery_bytes(self) -> None:
        for v in ("00", "01", "1a", "1d", "ff"):
            self.assertEqual(self.reason(self.signature[:-2] + v), "recovery_byte")

    def test_refuses_zeros_and_values_from_the_order_on(self) -> None:
        one, order = f"{1:064x}", f"{secp256k1.ORDER:064x}"
        self.assertEqual(self.reason("0x" + "00" * 65), "recovery_byte")
        self.assertEqual(self.reason("0x" + "00" * 32 + one + "1b"), "r_out_of_range")
        self.assertEqual(self.reason("0x" + order + one + "1b"), "r_out_of_range")
        self.assertEqual(self.reason("0x" + one + "00" * 32 + "1b"), "s_out_of_range")
        self.assertEqual(self.reason("0x" + one + order + "1b"), "s_out_of_range")
        self.assertEqual(self.reason(f"0x{one}{HALF + 1:064x}1b"), "high_s")

    def test_refuses_an_r_that_is_on_no_point(self) -> None:
        # 5^3 + 7 is no square.
        self.assertEqual(self.reason(f"0x{5:064x}{1:064x}1b"), "unrecoverable")

    def test_refuses_other_lengths_wrappers_and_text(self) -> None:
        self.assertEqual(self.reason(self.signature + "00"), "signature_length")
        self.assertEqual(self.reason(self.signature[:-2]), "signature_length")
        self.assertEqual(self.reason("0x" + "6492" * 16), "counterfactual_signature")
        self.assertEqual(self.reason("0x" + "00" * 33 + "8010" * 16), "counterfactual_signature")
        self.assertEqual(self.reason(self.signature + "\n"), "malformed_signature")
        self.assertEqual(self.reason("0x" + "00" * 5000), "signature_too_large")

    def test_adds_equal_and_opposite_points(self) -> None:
        base = (*secp256k1.BASE, 1)
        twice = secp256k1.affine([secp256k1.double(base)])[0]
        self.assertEqual(secp256k1.affine([secp256k1.add_affine(base, secp256k1.BASE)])[0], twice)
        opposite = (secp256k1.BASE[0], secp256k1.FIELD - secp256k1.BASE[1])
        self.assertEqual(secp256k1.add_affine(base, opposite)[2], 0)

    def test_multiplies_like_the_table_of_the_base(self) -> None:
        for scalar in (1, 2, 15, 16, 31, 2**128 - 1, secp256k1.ORDER - 1, secp256k1.ORDER // 3):
            slow = secp256k1.affine([secp256k1.multiply(scalar, secp256k1.BASE)])
            fast = secp256k1.affine([secp256k1.add_base_multiple(secp256k1.INFINITY, scalar)])
            self.assertEqual(slow, fast)
        # The order of the group times the base is the point at infinity.
        self.assertEqual(secp256k1.multiply(secp256k1.ORDER, secp256k1.BASE)[2], 0)


class Ed25519(unittest.TestCase):
    # RFC 8032 §7.1, tests 1 to 3.
    vectors = (
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    )  # fmt: skip

    def test_accepts_the_vectors_of_the_rfc(self) -> None:
        for key, message, signature in self.vectors:
            self.assertTrue(ed25519.verify(unhex(key), unhex(message), unhex(signature)))

    def test_rejects_a_changed_bit(self) -> None:
        key, message, signature = (unhex(each) for each in self.vectors[1])
        self.assertFalse(ed25519.verify(key, message + b"\0", signature))
        for at in (0, 31, 32, 63):
            changed = bytearray(signature)
            changed[at] ^= 1
            self.assertFalse(ed25519.verify(key, message, bytes(changed)))

    def test_rejects_s_from_the_order_on_and_keys_of_small_order(self) -> None:
        key, message, signature = (unhex(each) for each in self.vectors[1])
        s = int.from_bytes(signature[32:], "little") + ed25519.ORDER
        self.assertFalse(ed25519.verify(key, message, signature[:32] + s.to_bytes(32, "little")))
        one = (1).to_bytes(32, "little")
        self.assertFalse(ed25519.verify(one, b"anything", one + bytes(32)))


class CanonicalJson(unittest.TestCase):
    def refuse(self, line: bytes) -> None:
        try:
            self.assertFalse(is_canonical(parse_json(line), line), line[:40])
        except NotJson:
            pass

    def accept(self, line: bytes) -> None:
        self.assertTrue(is_canonical(parse_json(line), line), line[:40])

    def test_writes_the_example_of_rfc_8785(self) -> None:
        # RFC 8785 §3.2.3, without its number: keys in order of UTF-16 units, where U+1F600 stands before U+FB33.
        value = {"\u20ac": "Euro", "\r": "CR", "\ufb33": "Dalet", "1": "One", "\U0001f600": "Face", "\u0080": "Ctl", "\u00f6": "o"}
        keys = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
        text = canonical_text(value)
        found = [text.index(f'"{key}"') if key != "\r" else text.index('"\\r"') for key in keys]
        self.assertEqual(found, sorted(found))
        self.accept(text.encode())

    def test_accepts_canonical_lines(self) -> None:
        for line in (b'{"a":1,"b":[true,null,-7,"\\n\\u0001\\""]}', b"9007199254740991", '"\u2028\u007f\u00e9"'.encode()):
            self.accept(line)

    def test_refuses_a_second_text_of_a_value(self) -> None:
        for line in (
            b'{"a":1,"a":1}', b'{"a":2,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b' {"a":1}', b'{"a":1}\r', b'{"a":1} ',
            b"\xef\xbb\xbf{}", b'"\\u0041"', b'"\\/"', b'"\\u000A"', b'"\\u007f"', b"-0", b"1.0", b"1e3", b"01", b"",
        ):  # fmt: skip
            self.refuse(line)

    def test_refuses_numbers_that_others_round(self) -> None:
        for line in (b"9007199254740992", b"-9007199254740992", b"1" * 5000, b"NaN", b"Infinity", b"-Infinity"):
            self.refuse(line)

    def test_refuses_lone_surrogates_and_other_bytes(self) -> None:
        for line in (b'"\\ud800"', b'{"\\udfff":1}', b'"\xed\xa0\x80"', b'"\xff"', b'"\x01"'):
            self.refuse(line)

    def test_refuses_deep_nesting_without_a_crash(self) -> None:
        self.refuse(b"[" * 30_000 + b"]" * 30_000)
        self.refuse(b'{"a":' * 10_000 + b"1" + b"}" * 10_000)


class Entries(unittest.TestCase):
    def test_hashes_the_worked_entry(self) -> None:
        # docs/audit-format.md, Hash and chain.
        line = (
            b'{"account":"eip155:84532:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf","amounts":{"price":"20000"},"at":1800000000,'
            b'"call":"0x7cf19d26e1bf2206314d5be04311524e6aa6e685a7ddaa48747db1ca2a0a7dbe","prev":"' + GENESIS.encode() + b'",'
            b'"salt":"0x00112233445566778899aabbccddeeff","seq":1,"tool":"translate","type":"call.accepted","v":1}'
        )
        self.assertEqual(entry_hash(line), "0xf6930b49185ba45edffe6f80790e18d351df4734d07ffec5cddb29d418d4c67e")
        self.assertLess(len(line), MAX_LINE)

    def test_refuses_values_with_several_texts(self) -> None:
        whole = {
            "v": 1, "type": "account.label", "seq": 1, "account": "eip155:1:" + Secp256k1.signer, "prev": GENESIS,
            "salt": "0x" + "00" * 16, "at": 1,
        }  # fmt: skip
        read_entry(whole)
        deep: object = "x"
        for _ in range(8):
            deep = [deep]
        wrong: tuple = (
            {"evidence": {"a": 0.5}}, {"evidence": {"a": 2**53}}, {"evidence": {"a": "\ud800"}}, {"evidence": {"\ud800": 1}},
            {"evidence": {"a": deep}}, {"evidence": []}, {"at": True}, {"at": -1}, {"at": 1.5}, {"at": 2**53}, {"seq": 0}, {"v": True},
            {"v": 2}, {"type": "call.other"}, {"account": "eip155:01:" + Secp256k1.signer}, {"amounts": {"a": "01"}},
            {"amounts": {"a": "1\n"}}, {"amounts": {"a": "\u0661"}}, {"amounts": {"a": 1}}, {"prev": GENESIS + "\n"}, {"other": 1},
            {"count": 0}, {"binding": "other"}, {"salt": "0x"},
        )  # fmt: skip
        for change in wrong:
            with self.assertRaises(Malformed, msg=str(change)):
                read_entry({**whole, **change})
        for name in whole:
            with self.assertRaises(Malformed):
                read_entry({key: value for key, value in whole.items() if key != name})

    def test_checks_the_checksum_of_mixed_addresses(self) -> None:
        self.assertEqual(address("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"), Secp256k1.signer)
        for wrong in ("0x7e5F4552091A69125d5DfCb7b8C2659029395Bdf", "0X7e5f4552091a69125d5dfcb7b8c2659029395bdf", Secp256k1.signer + "\n"):
            with self.assertRaises(Malformed):
                address(wrong)


class TypedData(unittest.TestCase):
    def test_digests_the_vectors(self) -> None:
        paid = VECTORS["paid"]
        self.assertEqual(intent_digest(paid["intent"], 84532).hex(), "7cf19d26e1bf2206314d5be04311524e6aa6e685a7ddaa48747db1ca2a0a7dbe")
        self.assertEqual(request_digest(paid["intent"]), "0x51db86939215eb74d685a646e36f724881e5c51335a63997f8abbd3b5229cabf")
        token = ("0x036cbd53842c5426634e7929541ec2318f3dcf7e", "USDC", "2")
        self.assertEqual(transfer_digest(paid["payment"]["authorization"], token, 84532), Secp256k1.digest)
        # The same literal is in test/unit/protocol/x402/permit.test.ts.
        permit = permit_digest(paid["payment"]["authorization"], paid["intent"]["payTo"].lower(), token, 84532)
        self.assertEqual(permit.hex(), "b1bc98f8caa4e9c1d34418a31beef4f944ee98f1888d67ee756df06296fb807c")
        grant, revocation = VECTORS["delegation"], VECTORS["revocation"]
        self.assertEqual("0x" + delegation_digest(grant["message"], 84532).hex(), grant["hash"])
        self.assertEqual("0x" + revocation_digest(revocation["message"], 84532).hex(), revocation["hash"])


class Log(unittest.TestCase):
    # Vectors of the transparency log, cross-checked with Go's sumdb/note and sumdb/tlog.
    key = "gateway.example/log/2026+49c1ef09+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    root = "o21PHprHnUGE8pmNzrLVt5k4RpTS5HXujrrwFh0LDrc="
    signature = "ScHvCWWg9RQlZs75AoW+SSr7XMFfvbAjAxIWBABonnPJv1tizUa+8VXUtdyKP8J/6ir+3TNmJi+jb/i5klI8LIvr+Qc="

    @property
    def note(self) -> str:
        name = "gateway.example/log/2026"
        return f"{name}\n3\n{self.root}\n\n\u2014 {name} {self.signature}\n"

    def test_opens_a_checkpoint(self) -> None:
        key = parse_key(self.key)
        assert key is not None
        text, signers = open_note(self.note, [key])
        self.assertEqual(signers, {key})
        found = parse_checkpoint(text)
        self.assertEqual((found.origin, found.size, found.root), (key.name, 3, decode_base64(self.root)))

    def test_refuses_a_changed_checkpoint(self) -> None:
        key = parse_key(self.key)
        assert key is not None
        other = "\u2014 other.example/log AAAAAAAAAAAA\n"
        self.assertIn("3\n", open_note(self.note + other, [key])[0])
        for note, reason in (
            (self.note.replace("\n3\n", "\n4\n"), "wrong_signer"),
            (self.note.replace("ScHvCWWg", "ScHvCWWh"), "wrong_signer"),
            (self.note.replace("ScHvCWWg", "AAAACWWg"), "unknown_key"),
            (self.note.replace("\u2014 gateway.example/log/2026", "\u2014 other.example/log"), "unsigned"),
            (self.note[:-1], "malformed_checkpoint"),
            (self.note.replace("\n\n", "\n"), "malformed_checkpoint"),
            (self.note.replace("\n", "\r\n"), "malformed_checkpoint"),
            ("x" * 70_000, "malformed_checkpoint"),
        ):
            with self.assertRaises(BadNote) as caught:
                open_note(note, [key])
            self.assertEqual(caught.exception.reason, reason)

    def test_opens_a_checkpoint_with_any_of_several_keys(self) -> None:
        other = f"gateway.example/log/2026+{key_id('gateway.example/log/2026', bytes(32)).hex()}+{b64encode(bytes([1]) + bytes(32)).decode()}"
        keys = parse_keys(f"{other} 2026-01-01T00:00:00Z 2026-11-27T00:00:00Z\n\n{self.key} 2026-11-27T00:00:00Z\n")
        assert keys is not None
        signers = open_note(self.note, [each.key for each in keys])[1]
        self.assertEqual(signers, {keys[1].key})
        self.assertIsNone(end_of_signing(keys, signers))
        self.assertEqual(end_of_signing(keys, {keys[0].key}), 1_795_737_600)
        again = parse_keys(f"{self.key} 2026-01-01T00:00:00Z 2026-11-27T00:00:00Z\n{self.key} 2026-12-01T00:00:00Z\n")
        self.assertIsNone(end_of_signing(again or [], signers))
        impossible = (self.key + " 2026-02-30T00:00:00Z", self.key + " 2026-13-01T00:00:00Z", self.key + " 2026-11-27T24:00:00Z", self.key + " 0026-11-27T00:00:00Z")
        for text in (*impossible, "", "\n", self.key + " today", self.key + "\nkey", self.key + " 2026-11-27T00:00:00Z" * 3, (self.key + "\n") * 65):
            self.assertIsNone(parse_keys(text))

    def test_refuses_a_key_whose_id_is_of_another(self) -> None:
        self.assertIsNone(parse_key(self.key.replace("49c1ef09", "49c1ef08")))
        self.assertIsNone(parse_key(self.key + "\n"))

    def test_computes_roots_and_proofs_of_every_size(self) -> None:
        self.assertEqual(EMPTY_ROOT, decode_base64("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="))
        leaves = [leaf_hash(bytes([at])) for at in range(20)]
        for size in range(1, 20):
            root = root_of(leaves[:size])
            self.assertEqual(root, slow_root(leaves[:size]))
            for index in range(size):
                proof = slow_proof(index, leaves[:size])
                self.assertTrue(is_included(leaves[index], index, size, root, proof))
                self.assertFalse(is_included(leaves[index], index + 1, size, root, proof))
                self.assertFalse(is_included(leaves[index + 1], index, size, root, proof))
                self.assertFalse(is_included(leaves[index], index, size, root, [*proof, root]))
        self.assertEqual(Tree().root(), EMPTY_ROOT)

    def test_makes_the_leaf_of_a_chunk(self) -> None:
        hashes = (
            "f61e0ece975eaca4ea8a8d0b83d0c554ff9a85375e4e15c95b9c179a75272d7a",
            "35a4b94a7b00c8017c6fe6f84f565f363253aaa0f272d5c771b859f0dda0147b",
            "ee345a88ba6f7429e3010198016ab2e8956a44d6721c02ee380f36abc8266510",
        )
        root = root_of([leaf_hash(unhex(each)) for each in hashes])
        self.assertEqual(root, decode_base64("+nKLs06eimJ7vrK6SKftGhtVpufafrmHnwKNfSFKFGg="))
        text = (
            "countersign-head/1\neip155:84532:0x06a3d66339341f66d73bd0507e08f83c4c6a3377\n"
            f"1 {GENESIS}\n3 0x{hashes[2]}\nroot +nKLs06eimJ7vrK6SKftGhtVpufafrmHnwKNfSFKFGg=\n"
        )
        self.assertEqual(len(text), 263)
        self.assertEqual(leaf_hash(text.encode()), decode_base64("gNR14cPs0SsaFzldSVzN7ABujl2CkFwFa2tKw7XG7uw="))
        self.assertEqual(anchor_of(text), decode_base64("wd8x5NDcuguW4fE4dDiiyGD8TZ0xsMoJ/Eey12Gzjj0="))
        self.assertEqual(head_of(text), decode_base64("YN10wXFqbJOAhG9swnFNmwktHPs26TzUpCWmqI08yMo="))
        leaf = parse_leaf(text)
        assert leaf is not None
        self.assertEqual((leaf.first, leaf.last, leaf.root), (1, 3, root))
        for wrong in (text[:-1], text + "\n", text.replace("\n3 ", "\n0 "), text.replace("root ", "root  "), text.replace("\n", "\r\n")):
            self.assertIsNone(parse_leaf(wrong))

    def test_computes_the_index_of_heads(self) -> None:
        anchor = decode_base64("gNR14cPs0SsaFzldSVzN7ABujl2CkFwFa2tKw7XG7uw=")
        assert anchor is not None
        index = Index()
        self.assertEqual(index.root(), decode_base64("ikq1p4x+g597n2KFLs4dXHeU0Tnl6a429hyE9lDwIqE="))
        index.add(anchor, anchor)
        self.assertEqual(slot_of(anchor), 2061)
        self.assertEqual(slot_hash(anchor + anchor), decode_base64("GaWQzUum/zulvPEMmI3pdhhH67PMOcFtZpXRzQz7t1o="))
        root = index.root()
        self.assertEqual(root, decode_base64("emANzBGvp7v7tG1NUJEzIO7R4+NR8FbRVI/h4zPJ+RY="))
        self.assertEqual(parse_heads("countersign-heads/1\nemANzBGvp7v7tG1NUJEzIO7R4+NR8FbRVI/h4zPJ+RY=\n"), root)
        self.assertEqual((head_in(anchor + anchor, anchor), head_in(anchor + anchor, root)), (anchor, None))

    def test_refuses_text_that_is_no_receipt(self) -> None:
        for token in ("", "a.b", "a.b.c.d", "e30.e30.e30", "\u00e9.e30.e30"):
            self.assertIsNone(read_receipt(token, {})[0])


def slow_root(hashes: list) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(slow_root(hashes[:split]), slow_root(hashes[split:]))


def slow_proof(index: int, hashes: list) -> list:
    """RFC 6962 §2.1.1, word for word."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*slow_proof(index, hashes[:split]), slow_root(hashes[split:])]
    return [*slow_proof(index - split, hashes[split:]), slow_root(hashes[:split])]


if __name__ == "__main__":
    unittest.main()
