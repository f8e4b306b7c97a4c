import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { entryText, GENESIS, link } from '../../src/audit/entry.ts';
import { verify } from '../../src/audit/verify/index.ts';
import { textHash } from '../../src/audit/verify/logged-text.ts';
import type { Hex } from '../../src/core/hex.ts';
import { bytesOf, hexOf, sha256Hex, utf8 } from '../../src/crypto/bytes.ts';
import { addressOfKey } from '../../src/crypto/verifier.ts';
import { accountId, assetId } from '../../src/protocol/account-id.ts';
import type { EntryBody, Json } from '../../src/protocol/entry.ts';
import {
  type AgentIntent,
  intentDigest,
  intentFields,
} from '../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER, requestDigest } from '../../src/protocol/intent/binding.ts';
import type { Token } from '../../src/protocol/payment.ts';
import { transferWithAuthorizationDigest } from '../../src/protocol/x402/authorization.ts';
import { tokenOf } from '../../src/protocol/x402/networks.ts';
import { machine, machineLine } from './machine.ts';

/**
 * `npm run bench:verify`: measures how long `countersign audit verify` takes on one core. Writes a log of 200,000 entries, in which every
 * call is a bound payment with its own signature under a policy with three counters, and verifies the log, limits included. Prints the CPU
 * time of the process, also scaled to a million entries.
 */
const ENTRIES = Number(process.argv[2] ?? 200_000);
const ENTRIES_PER_CALL = 3;
const CHAIN = 84_532;
const START = 1_800_000_000;
const TOKEN = tokenOf(`eip155:${CHAIN}`) as Token;
const PAY_TO: Hex = `0x${'0f'.repeat(20)}`;
const PRICE = 20_000n;
/** The texts by which the verifier decides each call again. The first entry contains them, as a gateway writes it. */
const POLICY = {
  perCall: '20000u',
  exposure: '100000u',
  windows: [
    { every: 'hour', limit: '72000000u' },
    { every: 'day', limit: '1728000000u' },
  ],
  lifetime: '9000000000000000u',
};
const TERMS = {
  ...{ tool: 'translate', price: PRICE.toString(), pricing: 'exact', settlement: 'deferred' },
  ...{ onSilence: 'release', timeoutSeconds: 10, requireBinding: 'none', params: {} },
};

const secret = bytesOf(`0x${'11'.repeat(32)}`);
const payer = addressOfKey(secp256k1.getPublicKey(secret, false));
const account = accountId(`eip155:${CHAIN}`, payer);
const word = (text: string): Hex => sha256Hex(utf8(text));

const signatureOf = (digest: Hex): Hex => {
  // noble returns recovery id, r, s; Ethereum expects r, s, v.
  const bytes = secp256k1.sign(bytesOf(digest), secret, { prehash: false, format: 'recovered' });
  const [recovery = 0] = bytes;
  return `${hexOf(bytes.subarray(1))}${(27 + recovery).toString(16)}` as Hex;
};

/** The entries of one paid call: accepted, answered, settled. */
const callOf = async (at: number): Promise<readonly EntryBody[]> => {
  const time = START + at;
  const intent: AgentIntent = {
    agent: payer,
    audience: 'https://gateway.example',
    tool: 'translate',
    method: 'POST',
    target: '/tools/translate',
    contentType: 'application/json',
    payloadDigest: word(`body ${at}`),
    payTo: PAY_TO,
    asset: TOKEN.address,
    maxAmount: PRICE,
    validAfter: BigInt(time),
    validBefore: BigInt(time + 300),
    nonce: word(`nonce ${at}`),
    authority: `0x${'00'.repeat(32)}`,
  };
  const call = intentDigest(intent, CHAIN);
  const authorization = {
    from: payer,
    to: PAY_TO,
    value: PRICE,
    validAfter: BOUND_VALID_AFTER,
    validBefore: BigInt(time + 3_600),
    nonce: call,
  };
  const signature = signatureOf(transferWithAuthorizationDigest(TOKEN, authorization));
  const request = await requestDigest(intent);
  const about = { call, tool: 'translate', request };
  const policy = textHash(POLICY);
  // Deferred settlement needs an earlier payment that has settled (law 7).
  const isFirst = at === 0;
  const paidBy = isFirst ? 'upfront' : 'deferred';
  const [accepted, finished, settled]: readonly [EntryBody, EntryBody, EntryBody] = [
    {
      ...about,
      type: 'call.accepted',
      at: time,
      binding: 'intent',
      decision: isFirst ? 'settle' : 'go',
      policy,
      amounts: { price: PRICE.toString() },
      payment: {
        asset: assetId(`eip155:${CHAIN}`, TOKEN.address),
        payTo: PAY_TO,
        paidBy,
      },
      evidence: {
        proof: 'x402',
        audience: intent.audience,
        token: { ...TOKEN } as unknown as Json,
        authorization: {
          ...authorization,
          value: PRICE.toString(),
          validAfter: BOUND_VALID_AFTER.toString(),
          validBefore: authorization.validBefore.toString(),
        },
        signatureDigest: sha256Hex(bytesOf(signature)),
        intent: intentFields(intent),
        terms: textHash(TERMS),
        ...(isFirst ? { document: TERMS, policy: POLICY } : {}),
      },
    },
    {
      ...about,
      type: 'call.finished',
      at: time,
      decision: 'committed',
      policy,
      amounts: { charged: PRICE.toString() },
      outcome: { success: true, status: 200, digest: word(`answer ${at}`), reason: 'answered' },
      payment: { state: isFirst ? 'settled' : 'queued', paidBy },
    },
    {
      ...about,
      type: 'payment.settled',
      at: time + 4,
      amounts: { amount: PRICE.toString() },
      payment: { transaction: word(`transaction ${at}`), block: at },
      evidence: { signature },
    },
  ];
  return isFirst ? [accepted, settled, finished] : [accepted, finished, settled];
};

const write = async (path: string): Promise<void> => {
  const file = createWriteStream(path);
  let head = GENESIS;
  for (let at = 0; head.seq < ENTRIES; at += 1) {
    const lines: string[] = [];
    for (const body of await callOf(at)) {
      const linked = link(head, account, word(`salt ${head.seq}`).slice(0, 34) as Hex, body);
      ({ head } = linked);
      lines.push(`${entryText(linked.entry)}\n`);
    }
    if (!file.write(lines.join(''))) {
      await new Promise<void>((resolve) => file.once('drain', resolve));
    }
  }
  await new Promise<void>((resolve) => file.end(resolve));
};

const directory = mkdtempSync(join(tmpdir(), 'countersign-verify-'));
try {
  const path = join(directory, 'log.ndjson');
  console.log(`writing ${ENTRIES.toLocaleString('en-US')} entries …`);
  await write(path);
  const { size } = statSync(path);
  const before = process.cpuUsage();
  const from = performance.now();
  let heap = 0;
  const report = await verify(
    {
      entries: [
        { name: path, size, open: () => createReadStream(path, { highWaterMark: 1_048_576 }) },
      ],
    },
    { progress: () => (heap = Math.max(heap, process.memoryUsage().heapUsed)) },
  );
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1e6;
  const wall = (performance.now() - from) / 1000;
  for (const { check, verdict, checked } of report.checks) {
    if (checked > 0) console.log(`  ${check.padEnd(12)} ${verdict.padEnd(12)} ${checked}`);
  }
  const perEntry = (cpu / report.entries) * 1e6;
  console.log(
    `${report.entries} entries, ${Math.floor(report.entries / ENTRIES_PER_CALL)} signatures, ${(size / 1e6).toFixed(0)} MB`,
  );
  console.log(
    `CPU ${cpu.toFixed(1)} s (${wall.toFixed(1)} s on the clock): ${perEntry.toFixed(0)} µs an entry`,
  );
  console.log(
    `a million entries: ${((perEntry * 1e6) / 1e6 / 60).toFixed(1)} minutes of one core; heap at most ${(heap / 1e6).toFixed(0)} MB`,
  );
  console.log(machineLine(machine()));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
