import { describe, expect, it } from 'vitest';
import page from '../../../docs/wire-format.md?raw';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import type { Entry } from '../../../src/protocol/entry.ts';
import { entryHash, entryText } from '../../../src/audit/entry.ts';
import { problemTexts } from '../../../src/protocol/problem/reason.ts';
import { claimsSchema } from '../../../src/client/receipt-claims.ts';
import { structHash, typedDataDigest } from '../../../src/crypto/typed-data.ts';
import {
  tokenDomainSeparator,
  transferWithAuthorizationDigest,
} from '../../../src/protocol/x402/authorization.ts';
import {
  agentDelegationSchema,
  delegationDigest,
} from '../../../src/protocol/intent/agent-delegation.ts';
import {
  agentIntentSchema,
  intentDigest,
  MAX_INTENT_WINDOW,
  parseAgentIntent,
} from '../../../src/protocol/intent/agent-intent.ts';
import {
  agentRevocationSchema,
  revocationDigest,
} from '../../../src/protocol/intent/agent-revocation.ts';
import { transferTypedData } from '../../../src/client/signer.ts';
import { bindingMarkOf, requestDigest } from '../../../src/protocol/intent/binding.ts';
import {
  parsePaymentSignature,
  parseXPayment,
} from '../../../src/protocol/x402/payment-payload.ts';
import { tokenOf } from '../../../src/protocol/x402/networks.ts';
import vectors from '../../vectors/countersign-v1.json';
import { all } from '../protocol/problem/examples.ts';
import { expectText } from './expect-text.ts';

const { chainId } = vectors.domain;

/** The text of one section, by its heading. */
const section = (heading: string): string => {
  const start = page.indexOf(`## ${heading}`);
  expect(start, heading).toBeGreaterThan(0);
  const end = page.indexOf('\n## ', start + 3);
  return page.slice(start, end < 0 ? undefined : end);
};

/** Rows of the tables in a text, as cells. */
const rows = (text: string): readonly (readonly string[])[] =>
  [...text.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) => row.split('|').map((c) => c.trim()));

const code = (cell: string): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

const first = <T>(values: readonly T[]): T => {
  const [value] = values;
  if (value === undefined) throw new Error('nothing there');
  return value;
};

describe('the page on the wire format', () => {
  it('has the type strings of the vectors', () => {
    for (const text of Object.values(vectors.typeStrings)) expectText(page, `\n${text}\n`);
  });

  it('has the members of an intent, in the order in which they are hashed', () => {
    const { typeStrings } = vectors;
    const members = typeStrings.AgentIntent.slice('AgentIntent('.length, -1).split(',');
    const table = rows(section('2 AgentIntent')).filter((row) => row.length === 5);
    const documented = table.flatMap(([name = '', type = '']) =>
      code(name).map((n) => `${type} ${n}`),
    );
    expect(documented).toEqual(members);
    expect(Object.keys(agentIntentSchema.shape)).toEqual(members.map((m) => m.split(' ')[1]));
  });

  it('works out the digest of an intent from the words it shows', () => {
    const worked = page.slice(page.indexOf('Worked, the vector `paid`'));
    const values = rows(worked.slice(0, worked.indexOf('\n## '))).flatMap(([, cell = '']) =>
      code(cell),
    );
    const domain = structHash(...values.slice(0, 4));
    expect(values[4]).toBe(domain);
    expect(values[5]).toBe(vectors.typeHashes.AgentIntent.slice(2));
    const struct = structHash(...values.slice(5, 20));
    expect(values[20]).toBe(struct);
    const intent = agentIntentSchema.parse(vectors.paid.intent);
    expect(`0x${values[21]}`).toBe(typedDataDigest(domain, struct));
    expect(`0x${values[21]}`).toBe(intentDigest(intent, chainId));
    expect(values).toHaveLength(22);
  });

  it('has the members of a grant, and works out its hash from the words it shows', () => {
    const text = section('16 Delegation and revocation');
    const worked = rows(text.slice(text.indexOf('### Worked')));
    const names = Object.keys(vectors.delegation.message);
    expect(worked.slice(1, 19).map(([step = '']) => code(step)[0])).toEqual([
      undefined,
      ...names,
      undefined,
    ]);
    const values = worked.slice(1, 19).flatMap(([, cell = '']) => code(cell));
    expect(values[0]).toBe(vectors.typeHashes.AgentDelegation.slice(2));
    const struct = structHash(...values.slice(0, 17));
    expect(values[17]).toBe(struct);
    const { delegation, revocation } = vectors;
    const digest = typedDataDigest(vectors.domainSeparator.slice(2), struct);
    expect(digest).toBe(delegation.hash);
    expect(digest).toBe(delegationDigest(agentDelegationSchema.parse(delegation.message), chainId));
    const digests = worked.slice(-2).flatMap(([, cell = '']) => code(cell));
    const taken = revocationDigest(agentRevocationSchema.parse(revocation.message), chainId);
    expect(digests).toEqual([digest, taken]);

    const table = rows(text).slice(1);
    const members = table.slice(
      0,
      table.findIndex(([cell]) => cell === 'refused'),
    );
    expect(members.flatMap(([cell = '']) => code(cell)).toSorted()).toEqual(names.toSorted());
    // The table has a row for every member for which a child can be rejected.
    const narrower = rows(text.slice(text.indexOf('A child is never wider')));
    const ends = narrower.findIndex(([cell]) => cell === 'step');
    const ruled = narrower.slice(1, ends).flatMap(([cell = '']) => code(cell));
    const free = new Set(['delegate', 'epoch', 'id']);
    expect(ruled.toSorted()).toEqual(names.filter((name) => !free.has(name)).toSorted());
  });

  it('has the secret of the vectors and the nonce that commits to it', () => {
    const text = section('2 AgentIntent');
    for (const value of [vectors.retry.secret, vectors.retry.nonce])
      expectText(text, `\`${value}\``);
    const [prefix] = vectors.retry.commitmentPrefix.split('\n');
    expectText(text, `SHA-256("${prefix}" ‖ 0x0a ‖ s)`);
  });

  it('works out the digests of both payments', () => {
    const token = tokenOf('eip155:84532');
    if (token === undefined) throw new Error('no token');
    const table = rows(section('6 Paying, bound')).filter((row) => row.length === 3);
    const documented = (name: string) => table.find(([step]) => step === name)?.flatMap(code) ?? [];
    expect(documented("token's domainSeparator")).toEqual([tokenDomainSeparator(token).slice(2)]);
    const digests = [vectors.paid.payment, vectors.paid.paymentSettledLater].map(
      ({ authorization }) => {
        const { from, to, value, validAfter, validBefore, nonce } = authorization;
        return transferWithAuthorizationDigest(token, {
          from: from.toLowerCase() as `0x${string}`,
          to: to.toLowerCase() as `0x${string}`,
          value: BigInt(value),
          validAfter: BigInt(validAfter),
          validBefore: BigInt(validBefore),
          nonce: nonce as `0x${string}`,
        }).slice(2);
      },
    );
    expect(documented('digest')).toEqual(digests);
    expect(digests[0]).toBe(vectors.paid.payment.digest.slice(2));
  });

  it('has the mark of bound payments and the reserved values, as the gateway reads them', () => {
    const { boundValidAfter } = vectors;
    const text = section('6 Paying, bound');
    expectText(
      text,
      `**\`authorization.validAfter\` of a bound payment is exactly ${boundValidAfter}**`,
    );
    const [, from = '', to = ''] = /^\| (\d+) to (\d+), reserved/m.exec(text) ?? [];
    const marks = [boundValidAfter, from, to, String(BigInt(from) - 2n), String(BigInt(to) + 1n)];
    expect(marks.map((value) => bindingMarkOf(BigInt(value)))).toEqual([
      ...['eip3009-nonce', 'unknown', 'unknown'],
      ...['none', 'none'],
    ]);
    expect(BigInt(to) - BigInt(boundValidAfter)).toBe(255n);
  });

  it('pins in each wallet policy the mark, and the type that the client has signed', () => {
    const text = section('19 Pinning the mark in a wallet service');
    const examples = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json = '']) => json);
    expect(examples).toHaveLength(3);
    const { types } = transferTypedData(
      { network: 'eip155:84532', address: '0x', name: 'USDC', version: '2' },
      AUTHORIZATION,
    );
    for (const json of examples) {
      expect(json).toContain(vectors.boundValidAfter);
      expect(json.toLowerCase()).toContain(
        vectors.paid.payment.domain.verifyingContract.toLowerCase(),
      );
      const documented: unknown[] = [];
      JSON.parse(json, (key, value: unknown) => {
        if (key === 'TransferWithAuthorization') documented.push(value);
        return value;
      });
      for (const fields of documented) expect(fields).toEqual(types['TransferWithAuthorization']);
    }
  });

  it('has the request digests of the vectors', async () => {
    const table = rows(section('3 Fields from a request'));
    for (const name of ['paid', 'unpaid'] as const) {
      const documented = table.find(([cell]) => cell === `\`${name}\``)?.[1] ?? '';
      const intent = agentIntentSchema.parse(vectors[name].intent);
      expect(code(documented)).toEqual([await requestDigest(intent)]);
    }
  });

  it('has every claim of a receipt', () => {
    const text = section('13 Answers');
    const table = rows(text.slice(text.indexOf('| claim |'))).flatMap(([cell = '']) => code(cell));
    expect(table.toSorted()).toEqual(Object.keys(claimsSchema.shape).toSorted());
  });

  it('has an entry with its text and its hash', () => {
    const text = section('15 Log entries');
    const json = first([...text.matchAll(/^\{.*\}$/gm)])[0];
    const entry = JSON.parse(json) as Entry;
    expect(entryText(entry)).toBe(json);
    expectText(text, `\`${entryHash(entry)}\``);
  });

  it('has the longest form of each header', () => {
    const readers = {
      'PAYMENT-SIGNATURE': parsePaymentSignature,
      'X-PAYMENT': parseXPayment,
      'Agent-Intent': parseAgentIntent,
    };
    const table = rows(section('1 Forms'));
    for (const [name, read] of Object.entries(readers)) {
      const row = table.find(([cell]) => cell === `\`${name}\``) ?? [];
      const longest = Number((row[2] ?? '').replace(/[^0-9]/g, ''));
      const reasonOf = (length: number) => {
        const result = read('A'.repeat(length));
        return result.ok ? undefined : result.error.reason;
      };
      expect(reasonOf(longest), name).toBe('malformed_header');
      expect(reasonOf(longest + 1), name).toBe('too_large');
    }
    expectText(page, `at most \`validAfter + ${MAX_INTENT_WINDOW}\``);
  });

  it('has every problem with its status', () => {
    const [, table = ''] = /problems-start -->(.*)<!-- problems-end/s.exec(page) ?? [];
    const documented = new Map(
      rows(table).flatMap(([names = '', statuses = '']) => {
        const numbers = [...statuses.matchAll(/\d{3}/g)].map(([digits]) => Number(digits));
        // The row has either one status for all names, or one status for each.
        return code(names).map((name, at) => [name, numbers[at] ?? numbers[0]] as const);
      }),
    );
    expect([...documented.keys()].toSorted()).toEqual(Object.keys(problemTexts).toSorted());
    for (const [name, status] of documented) {
      const statuses = all.flatMap(([known, { reason }]) => (reason === name ? [known] : []));
      expect(statuses, name).toContain(status);
    }
  });
});

const AUTHORIZATION = {
  from: '0x',
  to: '0x',
  value: 0n,
  validAfter: 0n,
  validBefore: 0n,
  nonce: '0x',
} as const;
