import { describe, expect, it } from 'vitest';
import { textHash } from '../../../../src/audit/verify/logged-text.ts';
import { canonicalJson } from '../../../../src/core/canonical-json.ts';
import { sha256Hex, utf8 } from '../../../../src/crypto/bytes.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import type { EntryBody, Json } from '../../../../src/protocol/entry.ts';
import { termsHash, type ToolTerms } from '../../../../src/protocol/tool-terms.ts';
import { accountOf, START, word } from '../history.ts';
import {
  byIntent,
  counts,
  type Evidence,
  evidenceOf,
  faultOf as faultOfLog,
  NONE,
} from './signed-log.ts';

const faultOf = (body: EntryBody) => faultOfLog([body]);

/** The terms in docs/wire-format.md §15. */
const terms: ToolTerms = {
  tool: 'translate',
  price: '20000',
  pricing: 'exact',
  settlement: 'deferred',
  onSilence: 'release',
  timeoutSeconds: 10,
  requireBinding: 'none',
  params: {},
};
const document = terms as unknown as Json;
const hash = '0x172a311530c83ba0ea58f758c3ea28fa72d34aeb47361054ecdcf3cd81de1243';
const policy = { perCall: '$5', rate: { limit: 600, seconds: 60 } };

const listed = (evidence: Evidence, outcome: Evidence): EntryBody => ({
  type: 'tool.listed',
  at: START,
  evidence: evidenceOf(evidence),
  outcome: evidenceOf(outcome),
});

const standard = (evidence: Evidence, outcome: Evidence): EntryBody => ({
  ...listed(evidence, outcome),
  type: 'policy.default',
});

it('hashes terms as the wire format shows', () => {
  expect(termsHash(terms)).toBe(hash);
  expect(textHash(document)).toBe(hash);
});

describe('an entry that lists a text', () => {
  it('names the hash of its text', async () => {
    expect(
      await counts(
        listed({ document }, { name: 'translate', hash }),
        standard({ policy }, { hash: textHash(policy) }),
      ),
    ).toEqual(NONE);
  });

  it('is rejected with another text, another tool, an unknown member, or none', async () => {
    const outcome = { name: 'translate', hash };
    const cheaper = { ...terms, price: '1' } as unknown as Json;
    expect(await faultOf(listed({ document: cheaper }, outcome))).toBe(
      'evidence.document: mismatch',
    );
    expect(await faultOf(listed({ document }, { name: 'other', hash }))).toContain('outcome.name');
    const odd = { ...terms, discount: '1' } as unknown as Json;
    expect(await faultOf(listed({ document: odd }, outcome))).toContain(
      'tool.listed.evidence.document.discount',
    );
    expect(await faultOf({ type: 'tool.listed', at: START, outcome })).toBe(
      'tool.listed.evidence: missing',
    );
    expect(await faultOf(standard({ policy }, { hash }))).toBe('evidence.policy: mismatch');
  });
});

describe('texts in the entry of a call', () => {
  const only = { policy: textHash(policy) } as const;

  it('are the terms and the policy that the entry names', async () => {
    const policies = [
      { kind: 'default', account: accountOf(1), hash: textHash(policy) },
      { kind: 'owner', account: accountOf(1), hash: word(3) },
    ];
    const listHash = sha256Hex(utf8(canonicalJson(policies)));
    const recomputed = { ...NONE, proved: 1 };
    expect(await counts(byIntent({ terms: hash, document, policy }, only))).toEqual(recomputed);
    expect(await counts(byIntent({ policies, policy }, { policy: listHash }))).toEqual(recomputed);
    expect(await counts(byIntent({ terms: hash }, only))).toEqual(recomputed);
  });

  it('are rejected if the entry names others', async () => {
    expect(await faultOf(byIntent({ terms: word(3), document }, only))).toContain(
      'evidence.document',
    );
    expect(await faultOf(byIntent({ document }, only))).toContain('evidence.document');
    expect(await faultOf(byIntent({ policy }, { policy: word(3) }))).toContain('evidence.policy');
  });
});

describe('totals of a lease', () => {
  const closed = (granted: string, returned: string, spent: string): EntryBody => ({
    type: 'lease.closed',
    at: START,
    payment: { asset: 'iso4217:USD', to: accountOf(2) satisfies AccountId, grant: word(4) },
    outcome: { counters: [{ name: 'day', start: START, granted, returned, spent }] },
  });

  it('are those of a borrower that used no more than it got', async () => {
    expect(await counts(closed('900', '400', '500'))).toEqual(NONE);
    expect(await faultOf(closed('900', '400', '501'))).toBe('outcome.counters: mismatch');
    expect(await faultOf(closed('-900', '0', '0'))).toContain(
      'lease.closed.outcome.counters.0.granted',
    );
  });
});
