import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Hex, LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import type { RouteId } from '../../src/management/routes.ts';
import { ROUTES } from '../../src/management/routes.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { callWith, granted, grantFor, offered } from './support/grant.ts';
import { manage, type Said, told } from './support/manage.ts';
import {
  type Case,
  casesOf,
  expectedOf,
  inTurns,
  isAboutKin,
  type Person,
  saidOf,
  type Signed,
  signCase,
  type Target,
} from './support/matrix.ts';
import { bind, bound, callOf } from './support/bound.ts';
import { KEPT, sample } from './support/matrix-sample.ts';
import { fundedAccount, newAccount, trustedAccount } from './support/payment.ts';
import { lookup, useWorld } from './support/world.ts';

/*
 * Who may use which route, tried for every route, person, account and way to sign. What must come of each is read from the table of
 * routes and from what the people of this stage are to its accounts.
 */
const world = useWorld({ variables: { OPERATORS: people.operator.address } });

type Cast = { readonly [who in Exclude<Person, 'nobody'>]: LocalAccount };
let cast: Cast;
let names: { readonly [of in Target]: string };
let grant: Hex;
let paid: { readonly account: string; readonly call: Hex };
const receiver = createServer((_, answer) => answer.writeHead(204).end());

const CASES = casesOf(ROUTES);
const refusals = CASES.filter((each) => expectedOf(each) !== 'heard');
const heard = CASES.filter((each) => expectedOf(each) === 'heard');

beforeAll(async () => {
  const owner = await creditedAccount(world(), { credit: 1_000_000n, left: 1_000n });
  const otherOwner = await creditedAccount(world(), { credit: 1_000_000n, left: 1_000n });
  const [agent, otherAgent] = [newAccount(), newAccount()];
  for (const [issuer, delegate] of [
    [otherOwner, otherAgent],
    [owner, agent],
  ] as const) {
    ({ hash: grant } = await granted(
      world(),
      issuer,
      grantFor(world(), issuer.address, delegate.address),
    ));
    await served(callWith(world(), delegate, lookup));
  }
  const operator = privateKeyToAccount(people.operator.privateKey);
  const stranger = await fundedAccount(world(), 5_000_000n);
  const notAgreed = await trustedAccount(world(), { reports: 1, left: 1_000n });
  cast = { stranger, notAgreed, agent, otherOwner, owner, operator };
  names = {
    agent: accountOf(agent.address),
    owner: accountOf(owner.address),
    nobody: accountOf(newAccount().address),
  };
  for (const account of Object.values(names)) {
    const address = account.slice(account.lastIndexOf(':') + 1);
    await offered(world(), notAgreed, grantFor(world(), notAgreed.address, address));
  }
  const payer = await trustedAccount(world(), { reports: 1, left: 20_000n });
  const payment = await bind(world(), payer, lookup);
  await served(world().send(lookup, bound(payment)));
  paid = { account: accountOf(payer.address), call: callOf(payment) };
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await fixtures();
});
afterAll(() => receiver.close());

const served = async (answer: Promise<Response>): Promise<void> => {
  const { status } = await answer;
  if (status !== 200) throw new Error(`a call of the stage was answered ${status}`);
};

const sampleOf = (id: RouteId, account: string, mark: string): Said => {
  const { port } = receiver.address() as AddressInfo;
  const { usdc } = world().stack.description;
  const asset = `eip155:84532/erc20:${usdc.toLowerCase()}`;
  return sample(id, { account, mark, paid, grant, asset, url: `http://127.0.0.1:${port}/` });
};
const LONG = 400_000;
const WAIT = { timeout: 20_000, interval: 200 };

/** What is there to be read, and what each case that takes something away can take. */
const fixtures = async (): Promise<void> => {
  const { body } = sampleOf('webhooks.put', names.agent, KEPT);
  const webhook = { webhook: KEPT };
  await told(manage(world(), cast.operator, 'webhooks.put', { params: webhook, body }));
  for (const target of ['agent', 'owner'] as const) {
    const params = { ...webhook, account: names[target] };
    await told(manage(world(), cast.owner, 'account.webhooks.put', { params, body }));
    const policy = { params, body: { perCall: '$1' } };
    await told(manage(world(), cast.owner, 'account.policy.put', policy));
    await told(manage(world(), cast.operator, 'accounts.policy.put', policy));
  }
  await told(
    manage(world(), cast.operator, 'tools.put', sampleOf('tools.put', names.agent, 'spare')),
  );
  await vi.waitFor(
    async () => told(manage(world(), cast.operator, 'settlements.get', { params: paid })),
    WAIT,
  );
};

/** What the route itself may answer to whoever may ask, where it is not 200: there is no such thing, or it cannot be done. */
const DOMAIN: { readonly [id in RouteId]?: readonly string[] } = {
  // Of an account that nobody has written one for.
  'accounts.policy.get': ['404 unknown-document'],
  'accounts.put': ['412 precondition-failed'],
  'account.put': ['412 precondition-failed'],
  'account.default': ['404 unknown-grant'],
  'account.call': ['404 unknown-call'],
  'credits.refund': ['404 unknown-transaction'],
  'settlements.redrive': ['409 not-writable'],
  'settlements.writeoff': ['409 not-writable'],
  'settlements.resolve': ['409 not-writable'],
  'deadletters.redrive': ['404 unknown-document'],
  'webhooks.delete': ['404 unknown-document'],
  'account.webhooks.delete': ['404 unknown-document'],
};

let marks = 0;
/** The request of a case: about the account of its target, unless another is named. */
const signed = async (
  each: Case,
  about: string = names[each.target],
  mark = `m${(marks += 1)}`,
): Promise<Signed> => {
  // The next route that an intent can be for: of another id, and mostly about the same account.
  const { id } = ROUTES[(ROUTES.indexOf(each.route) + 1) % ROUTES.length] ?? each.route;
  const another = { id, said: sampleOf(id, about, mark) };
  const who = each.who === 'nobody' ? undefined : cast[each.who];
  return signCase(world(), who, each, sampleOf(each.route.id, about, mark), another);
};

const nameOf = ({ route, target, who, signing }: Case): string =>
  `${route.id} of ${target} by ${who}, ${signing}`;

const send = async ({ call, headers }: Signed) => world().send(call, headers);

/** Entries that an order of management has made, with the nonce of the intent that gave it. */
const ordersIn = async (account: string, after: number) =>
  (await world().audit.entries(account))
    .filter(({ seq, evidence }) => seq > after && evidence?.['order'] !== undefined)
    .map(({ outcome, evidence }) => ({
      label: outcome?.['label'],
      nonce: String((evidence?.['order'] as { readonly nonce?: string } | undefined)?.nonce),
    }));

const everybody = (): readonly string[] => [
  ...Object.values(names),
  ...Object.values(cast).map(({ address }) => accountOf(address)),
  accountOf(world().payTo),
];

/** Has accounts write one entry each, and waits for it: whatever was written before it has then arrived as well. Gives their places. */
const marked = async (
  accounts: readonly string[],
  label: string,
): Promise<ReadonlyMap<string, number>> => {
  const heads = new Map<string, number>();
  for (const account of new Set(accounts)) {
    const params = { account };
    const put = (headers: Record<string, string>) =>
      manage(world(), cast.operator, 'accounts.put', { params, body: { label }, headers });
    const first = await put({});
    if (first.status !== 200) await told(put({ 'If-Match': '*' }));
    await vi.waitFor(async () => {
      const entries = await world().audit.entries(account);
      const found = entries.findLast(({ outcome }) => outcome?.['label'] === label);
      expect(found, account).toBeDefined();
      heads.set(account, found?.seq ?? 0);
    }, WAIT);
  }
  return heads;
};

describe('the management API', () => {
  it(
    'refuses whoever the table does not let in, and writes nothing for them',
    async () => {
      const known = everybody().filter((account) => account !== names.nobody);
      const before = await marked(known, 'before refusals');
      const wrong: string[] = [];
      await inTurns(refusals, async (each) => {
        const request = await signed(each);
        if (each.signing === 'replayed') await (await send(request)).text();
        const { said } = await saidOf(await send(request));
        if (said !== expectedOf(each)) wrong.push(`${nameOf(each)}: ${said}`);
      });
      expect(wrong).toEqual([]);
      const after = await marked(everybody(), 'after refusals');
      for (const account of known) {
        const orders = await ordersIn(account, before.get(account) ?? 0);
        expect(
          orders.map(({ label }) => label),
          account,
        ).toEqual(['after refusals']);
      }
      // Where nobody was let in, nothing stands before the first marker.
      expect(after.get(names.nobody)).toBe(1);
    },
    LONG,
  );

  it(
    'says the same of an account that is there as of one that is not',
    async () => {
      const nobody = accountOf(newAccount().address);
      const strangers = CASES.filter(
        ({ route, target, who, signing }) =>
          target === 'agent' &&
          route.path.includes(':account') &&
          (who === 'stranger' || who === 'notAgreed' || who === 'otherOwner' || who === 'nobody') &&
          signing !== 'replayed',
      );
      /** Without what the request itself said, and the time. */
      const plain = (text: string) =>
        text
          .replaceAll(names.agent, 'X')
          .replaceAll(nobody, 'X')
          .replaceAll(/\b1[0-9]{9}\b/g, 'T');
      const told = async (answer: Response) => ({
        status: answer.status,
        headers: [...answer.headers].filter(([name]) => name !== 'date'),
        text: plain(await answer.text()),
      });
      await inTurns(strangers, async (each) => {
        const [there, notThere] = await Promise.all(
          [names.agent, nobody].map(
            async (about) => await told(await send(await signed(each, about, 'twin'))),
          ),
        );
        expect(notThere, nameOf(each)).toEqual(there);
        if (each.signing === 'good' && each.who !== 'nobody') {
          expect(there?.status).toBe(isAboutKin(each.route) ? 404 : 403);
        }
      });
    },
    LONG,
  );

  it(
    'hears whoever the table lets in; what they order is done once',
    async () => {
      const heads = await marked(everybody(), 'before orders');
      const nonces: { readonly nonce: string; readonly name: string }[] = [];
      const wrong: string[] = [];
      for (const each of heard) {
        const { route, signing } = each;
        if (route.id === 'tools.delete') {
          const spare = sampleOf('tools.put', names.agent, 'spare');
          const again = await manage(world(), cast.operator, 'tools.put', spare);
          await again.text();
        }
        const request = await signed(each);
        const first = await saidOf(await send(request));
        const domain = DOMAIN[route.id] ?? [];
        if (first.said !== '200' && !domain.includes(first.said)) {
          wrong.push(`${nameOf(each)}: ${first.said} ${first.text}`);
        }
        if (route.write) nonces.push({ nonce: nonceOf(request), name: nameOf(each) });
        if (signing !== 'replayed') continue;
        const second = await saidOf(await send(request));
        const isKnown = second.text.includes('"known":true');
        const isRight = route.write
          ? second.said === '409 already-used' ||
            isKnown ||
            // Nothing had been ordered: there is no account that could remember it.
            (first.said !== '200' && second.said === first.said)
          : second.said === first.said;
        if (!isRight) wrong.push(`${nameOf(each)}: then ${second.said} ${second.text}`);
      }
      expect(wrong).toEqual([]);
      await marked(everybody(), 'after orders');
      const entries = await Promise.all(
        [...new Set([...everybody(), paid.account])].map(
          async (account) => await ordersIn(account, heads.get(account) ?? 0),
        ),
      );
      const times = Map.groupBy(entries.flat(), ({ nonce }) => nonce);
      for (const { nonce, name } of nonces) {
        expect(times.get(nonce)?.length ?? 0, name).toBeLessThanOrEqual(1);
      }
      console.log(
        `matrix: ${ROUTES.length} routes, ${CASES.length} cases (${heard.length} heard, ${refusals.length} refused)`,
      );
    },
    LONG,
  );
});

const nonceOf = ({ headers }: Signed): string => {
  const json = Buffer.from(headers['Agent-Intent'] ?? '', 'base64url').toString();
  return (JSON.parse(json) as { readonly intent: { readonly nonce: string } }).intent.nonce;
};
