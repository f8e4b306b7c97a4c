import { people } from '../../dev/stack/people.ts';
import { type RouteId, ROUTES } from '../../src/management/routes.ts';
import { bind, bound, callOf } from './support/bound.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { callWith, granted, grantFor, offered } from './support/grant.ts';
import { manage, okJson, type RequestParts } from './support/manage.ts';
import { KEPT, sample } from './support/matrix-sample.ts';
import {
  type Case,
  casesOf,
  expectedOf,
  inTurns,
  isAboutKin,
  outcomeOf,
  type Person,
  signCase,
  type Signed,
  type Target,
} from './support/matrix.ts';
import { fundedAccount, newAccount, trustedAccount } from './support/payment.ts';
import { useReceiver } from './support/webhook-receiver.ts';
import { lookup, useWorld } from './support/world.ts';
import type { Hex, LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it, vi } from 'vitest';

/*
 * Tries every route with every person, target account and kind of signature. The routes' roles and the person's relation to the account
 * determine the expected answer.
 */
const world = useWorld({
  variables: { OPERATORS: people.operator.address, VAULT_KEY: btoa('v'.repeat(32)) },
});

type Accounts = { readonly [person in Exclude<Person, 'unsigned'>]: LocalAccount };
let accounts: Accounts;
let names: { readonly [of in Target]: string };
let grant: Hex;
let paid: { readonly account: string; readonly call: Hex };
const receiver = useReceiver();

const CASES = casesOf(ROUTES);
const refusals = CASES.filter((each) => expectedOf(each) !== 'served');
const served = CASES.filter((each) => expectedOf(each) === 'served');

beforeAll(async () => {
  const owner = await creditedAccount(world(), { credit: 1_000_000n, balance: 1_000n });
  const otherOwner = await creditedAccount(world(), { credit: 1_000_000n, balance: 1_000n });
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
    await mustServe(callWith(world(), delegate, lookup));
  }
  const operator = privateKeyToAccount(people.operator.privateKey);
  const stranger = await fundedAccount(world(), 5_000_000n);
  const notConsented = await trustedAccount(world(), { reports: 1, balance: 1_000n });
  accounts = { stranger, notConsented, agent, otherOwner, owner, operator };
  names = {
    agent: accountOf(agent.address),
    owner: accountOf(owner.address),
    missing: accountOf(newAccount().address),
  };
  for (const account of Object.values(names)) {
    const address = account.slice(account.lastIndexOf(':') + 1);
    await offered(world(), notConsented, grantFor(world(), notConsented.address, address));
  }
  const payer = await trustedAccount(world(), { reports: 1, balance: 20_000n });
  const payment = await bind(world(), payer, lookup);
  await mustServe(world().send(lookup, bound(payment)));
  paid = { account: accountOf(payer.address), call: callOf(payment) };
  await fixtures();
});

const mustServe = async (answer: Promise<Response>): Promise<void> => {
  const { status } = await answer;
  if (status !== 200) throw new Error(`the gateway answered a call of the set-up with ${status}`);
};

const sampleOf = (id: RouteId, account: string, mark: string): RequestParts => {
  const { usdc } = world().stack.description;
  const asset = `eip155:84532/erc20:${usdc.toLowerCase()}`;
  return sample(id, { account, mark, paid, grant, asset, url: `${receiver.url()}/` });
};
const LONG = 400_000;
const WAIT = { timeout: 30_000, interval: 200 };

/** Creates the documents that routes read and that cases delete. */
const fixtures = async (): Promise<void> => {
  const { body } = sampleOf('webhooks.put', names.agent, KEPT);
  const webhook = { webhook: KEPT };
  await okJson(manage(world(), accounts.operator, 'webhooks.put', { params: webhook, body }));
  for (const target of ['agent', 'owner'] as const) {
    const params = { ...webhook, account: names[target] };
    await okJson(manage(world(), accounts.owner, 'account.webhooks.put', { params, body }));
    const policy = { params, body: { perCall: '$1' } };
    await okJson(manage(world(), accounts.owner, 'account.policy.put', policy));
    await okJson(manage(world(), accounts.operator, 'accounts.policy.put', policy));
  }
  await okJson(
    manage(world(), accounts.operator, 'tools.put', sampleOf('tools.put', names.agent, 'spare')),
  );
  await vi.waitFor(
    async () => okJson(manage(world(), accounts.operator, 'settlements.get', { params: paid })),
    WAIT,
  );
};

/** For an authorised caller, the answers of a route other than 200: the document does not exist, or the state forbids the change. */
const DOMAIN: { readonly [id in RouteId]?: readonly string[] } = {
  // Not every account has a policy set by an operator.
  'accounts.policy.get': ['404 unknown-document'],
  'accounts.put': ['412 precondition-failed'],
  'account.put': ['412 precondition-failed'],
  'account.default': ['404 unknown-grant'],
  'account.call': ['404 unknown-call'],
  'account.text': ['404 unknown-document'],
  'credits.refund': ['404 unknown-transaction'],
  'calls.refund': ['409 not-writable'],
  'account.approval': ['404 unknown-call'],
  'approvals.approve': ['404 unknown-call'],
  'approvals.refuse': ['404 unknown-call'],
  'account.approve': ['404 unknown-call'],
  'account.refuse': ['404 unknown-call'],
  'settlements.redrive': ['409 not-writable'],
  'settlements.writeoff': ['409 not-writable'],
  'settlements.resolve': ['409 not-writable'],
  'deadletters.redrive': ['404 unknown-document'],
  // A rebuild needs a paused gateway, and this one accepts calls. audit-rebuild.test.ts tests the rebuild.
  'audit.rebuild': ['409 not-writable'],
  // The same; test/chaos/drill/ recovers accounts.
  'accounts.recover': ['409 not-writable'],
  'secrets.delete': ['404 unknown-document'],
  'webhooks.delete': ['404 unknown-document'],
  'account.webhooks.delete': ['404 unknown-document'],
};

let marks = 0;
/** Builds and signs the request of a case, about its target account unless `about` names another one. */
const signed = async (
  each: Case,
  about: string = names[each.target],
  mark = `m${(marks += 1)}`,
): Promise<Signed> => {
  // The request for which the signature is valid in the signing `otherRoute`: the next route, mostly about the same account.
  const { id } = ROUTES[(ROUTES.indexOf(each.route) + 1) % ROUTES.length] ?? each.route;
  const another = { id, request: sampleOf(id, about, mark) };
  const person = each.person === 'unsigned' ? undefined : accounts[each.person];
  return signCase(world(), person, each, sampleOf(each.route.id, about, mark), another);
};

const nameOf = ({ route, target, person, signing }: Case): string =>
  `${route.id} of ${target} by ${person}, ${signing}`;

const send = async ({ call, headers }: Signed) => world().send(call, headers);

/** Entries of management commands after a sequence number, each with the nonce of its intent. */
const commandsIn = async (account: string, after: number) =>
  (await world().audit.entries(account))
    .filter(({ seq, evidence }) => seq > after && evidence?.['order'] !== undefined)
    .map(({ outcome, evidence }) => ({
      label: outcome?.['label'],
      nonce: String((evidence?.['order'] as { readonly nonce?: string } | undefined)?.nonce),
    }));

const allAccounts = (): readonly string[] => [
  ...Object.values(names),
  ...Object.values(accounts).map(({ address }) => accountOf(address)),
  accountOf(world().payTo),
];

/**
 * Makes each account write one entry and waits until it is exported, so that every earlier entry is exported too. Returns the sequence
 * numbers.
 */
const marked = async (
  named: readonly string[],
  label: string,
): Promise<ReadonlyMap<string, number>> => {
  const heads = new Map<string, number>();
  const mark = async (account: string): Promise<void> => {
    const params = { account };
    const put = (headers: Record<string, string>) =>
      manage(world(), accounts.operator, 'accounts.put', { params, body: { label }, headers });
    const first = await put({});
    if (first.status !== 200) await okJson(put({ 'If-Match': '*' }));
    await vi.waitFor(async () => {
      const entries = await world().audit.entries(account);
      const found = entries.findLast(({ outcome }) => outcome?.['label'] === label);
      expect(found, account).toBeDefined();
      heads.set(account, found?.seq ?? 0);
    }, WAIT);
  };
  await Promise.all([...new Set(named)].map(mark));
  return heads;
};

describe('the management API', () => {
  it(
    'rejects every person that the table of routes does not allow, and writes nothing',
    async () => {
      const known = allAccounts().filter((account) => account !== names.missing);
      const before = await marked(known, 'before refusals');
      const wrong: string[] = [];
      await inTurns(refusals, async (each) => {
        const request = await signed(each);
        if (each.signing === 'replayed') await (await send(request)).text();
        const { outcome } = await outcomeOf(await send(request));
        if (outcome !== expectedOf(each)) wrong.push(`${nameOf(each)}: ${outcome}`);
      });
      expect(wrong).toEqual([]);
      const after = await marked(allAccounts(), 'after refusals');
      for (const account of known) {
        const commands = await commandsIn(account, before.get(account) ?? 0);
        expect(
          commands.map(({ label }) => label),
          account,
        ).toEqual(['after refusals']);
      }
      // The gateway rejected every request about this account, so the marker is its first entry.
      expect(after.get(names.missing)).toBe(1);
    },
    LONG,
  );

  it(
    'answers a request about an account of others exactly as about an account that does not exist',
    async () => {
      const unknown = accountOf(newAccount().address);
      const strangers = CASES.filter(
        ({ route, target, person, signing }) =>
          target === 'agent' &&
          route.path.includes(':account') &&
          (person === 'stranger' ||
            person === 'notConsented' ||
            person === 'otherOwner' ||
            person === 'unsigned') &&
          signing !== 'replayed',
      );
      /** Removes account names and times: only these may differ between the two answers. */
      const plain = (text: string) =>
        text
          .replaceAll(names.agent, 'X')
          .replaceAll(unknown, 'X')
          .replaceAll(/\b1[0-9]{9}\b/g, 'T');
      const comparable = async (answer: Response) => ({
        status: answer.status,
        headers: [...answer.headers].filter(([name]) => name !== 'date'),
        text: plain(await answer.text()),
      });
      await inTurns(strangers, async (each) => {
        const [there, notThere] = await Promise.all(
          [names.agent, unknown].map(
            async (about) => await comparable(await send(await signed(each, about, 'twin'))),
          ),
        );
        expect(notThere, nameOf(each)).toEqual(there);
        if (each.signing === 'good' && each.person !== 'unsigned') {
          expect(there?.status).toBe(isAboutKin(each.route) ? 404 : 403);
        }
      });
    },
    LONG,
  );

  it(
    'serves every person that the table of routes allows, and executes each command once',
    async () => {
      const heads = await marked(allAccounts(), 'before commands');
      const nonces: { readonly nonce: string; readonly name: string }[] = [];
      const wrong: string[] = [];
      for (const each of served) {
        const { route, signing } = each;
        if (route.id === 'tools.delete') {
          const spare = sampleOf('tools.put', names.agent, 'spare');
          const again = await manage(world(), accounts.operator, 'tools.put', spare);
          await again.text();
        }
        const request = await signed(each);
        const first = await outcomeOf(await send(request));
        const domain = DOMAIN[route.id] ?? [];
        if (first.outcome !== '200' && !domain.includes(first.outcome)) {
          wrong.push(`${nameOf(each)}: ${first.outcome} ${first.text}`);
        }
        if (route.write) nonces.push({ nonce: nonceOf(request), name: nameOf(each) });
        if (signing !== 'replayed') continue;
        const second = await outcomeOf(await send(request));
        const isKnown = second.text.includes('"known":true');
        const isRight = route.write
          ? second.outcome === '409 already-used' ||
            isKnown ||
            // The first attempt changed nothing, so no account exists that could store the intent.
            (first.outcome !== '200' && second.outcome === first.outcome)
          : second.outcome === first.outcome;
        if (!isRight) wrong.push(`${nameOf(each)}: then ${second.outcome} ${second.text}`);
      }
      expect(wrong).toEqual([]);
      await marked(allAccounts(), 'after commands');
      const entries = await Promise.all(
        [...new Set([...allAccounts(), paid.account])].map(
          async (account) => await commandsIn(account, heads.get(account) ?? 0),
        ),
      );
      const times = Map.groupBy(entries.flat(), ({ nonce }) => nonce);
      for (const { nonce, name } of nonces) {
        expect(times.get(nonce)?.length ?? 0, name).toBeLessThanOrEqual(1);
      }
      console.log(
        `matrix: ${ROUTES.length} routes, ${CASES.length} cases (${served.length} served, ${refusals.length} refused)`,
      );
    },
    LONG,
  );
});

const nonceOf = ({ headers }: Signed): string => {
  const json = Buffer.from(headers['Agent-Intent'] ?? '', 'base64url').toString();
  return (JSON.parse(json) as { readonly intent: { readonly nonce: string } }).intent.nonce;
};
