import { hashDelegation, signDelegation } from '../client/delegation.ts';
import { type Address, type Hex, random32, ZERO_ADDRESS, ZERO_HASH } from '../core/hex.ts';
import type { AnswerOf } from '../management/routes.ts';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import { type AgentDelegation, MAX_DEPTH } from '../protocol/intent/agent-delegation.ts';
import { accountNamed, namesOf } from './lib/accounts.ts';
import { type AdminClient, networkOf, openAdmin, warnIfStopped } from './lib/admin-client.ts';
import type { Command } from './lib/command.ts';
import { isRefusal, usageError } from './lib/errors.ts';
import { type Input, listOf } from './lib/input.ts';
import { payeeIn } from './lib/policy.ts';
import { limitWarnings, proseWidth, sentence } from './lib/print.ts';
import { sendDocument } from './lib/signed-document.ts';
import { fields } from './lib/text.ts';
import { timeIn } from './lib/time.ts';
import { amountIn, dollars, isoTime } from './lib/units.ts';

export const command: Command = {
  summary: 'let an agent spend, within limits that you sign',
  arguments: [{ syntax: '<agent>', summary: 'key name, label, address or CAIP-10 account id' }],
  options: [
    {
      flags: '--total <amount>',
      summary: 'limit in total: dollars, 5 or 0.50, or atomic units, 500000u',
    },
    { flags: '--per-call <amount>', summary: 'limit per call (default: the total)' },
    { flags: '--per-day <amount>', summary: 'limit per day of UTC' },
    { flags: '--tools <ids>', summary: 'tool ids, prefix.* or *, comma-separated (default: *)' },
    { flags: '--payee <addresses>', summary: 'allowed payees, comma-separated (default: any)' },
    { flags: '--expires <time>', summary: 'e.g. 30d or 2026-12-31 (default: 30d)' },
    {
      flags: '--depth <number>',
      summary: 'levels of further grants that the agent may issue, 0 to 3 (default: 0)',
    },
    {
      flags: '--below <hash>',
      summary: 'parent grant to pass on a part of (default: your default grant)',
    },
    { flags: '--beside', summary: 'keep the default grant of the agent; do not replace it' },
    {
      flags: '--no-consent',
      summary: "do not consent with the agent's key, even if this machine holds it",
    },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign grant team/alice --total 5 --per-call 0.05 --per-day 1 --as treasury',
    "countersign grant research --total 20 --tools 'lookup,search.*' --depth 1",
  ],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'owner');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const { chainId, asset, network } = await networkOf(admin, account);
    const delegate = parseAccountId(account)?.address;
    if (delegate === undefined || delegate === admin.self)
      throw usageError('An account cannot grant to itself.', 'Name an agent.');
    const parent = (input.text('below') as Hex | undefined) ?? (await ownDefaultGrant(admin));
    const parties = { issuer: admin.self, delegate, audience: admin.gateway, asset, parent };
    const delegation = delegationIn(parties, input, session.now());
    const body = await signDelegation(admin.signer, chainId, delegation);
    const agent = input.flag('consent') ? await session.profile.holder(delegate) : undefined;
    const earlier = (await grantsOf(admin, account)).filter(
      ({ issuer, status }) => status === 'active' && issuer.endsWith(`:${admin.self}`),
    );
    warnIfStopped(admin);
    const { warnings } = await sendDocument(
      admin,
      { method: 'PUT', path: '/delegations', body },
      agent && { signer: await agent.open(), network },
    );
    const hash = hashDelegation(chainId, delegation);
    const consents = agent !== undefined;
    const before = earlier.find((grant) => grant.is_default)?.hash;
    // Calls use the newest grant that the agent consented to. With --beside they keep the one they used before.
    const kept = consents && input.flag('beside') ? before : undefined;
    if (kept !== undefined)
      await admin.call('account.default', { params: { account }, body: { grant: kept } });
    const inUse = consents ? (kept ?? hash) : before;
    const names = await namesOf(session);
    const document = {
      ...{ grant: hash, id: delegation.id, account, consent: consents },
      status: consents ? 'active' : 'offered',
      ...(inUse === undefined ? {} : { stands_on: inUse }),
      earlier: earlier.map((grant) => grant.hash),
      ...(warnings === undefined ? {} : { warnings }),
    };
    out.result({ ...document, delegation: body.delegation }, () =>
      [
        consents
          ? `${out.style.good('granted')}  ${out.style.bold(names.of(account))} consents`
          : `${out.style.warn('offered')}  ${out.style.bold(names.of(account))} has not consented`,
        fields(
          [
            ['tools', delegation.tools.join(', ')],
            ['per call', dollars(delegation.maxPerCall)],
            [
              'per day',
              delegation.windowSeconds === 0n ? undefined : dollars(delegation.maxPerWindow),
            ],
            ['total', dollars(delegation.maxTotal)],
            ['until', isoTime(Number(delegation.validUntil))],
            ['grant', hash],
            ['calls use', inUse === hash ? 'this grant' : inUse],
          ],
          out.style.dim,
          proseWidth(out),
        ),
        ...limitWarnings(out, warnings),
        ...(consents ? [] : ['', sentence(out, OFFERED)]),
        ...(consents && earlier.length > 0 ? ['', sentence(out, EARLIER)] : []),
      ].join('\n'),
    );
  },
};

const OFFERED =
  "The grant binds nothing, and you cannot see the account, until the agent consents. The agent consents with a call that names the grant: `countersign call … --grant <hash>` or createAgent({ authority: '<hash>' }).";

const EARLIER =
  'Your earlier grants to this agent stay valid for calls that name them. `countersign accounts show` lists them; `countersign revoke <hash>` revokes one.';

/** The grants that the account consented to; none if the issuer may not see the account. */
const grantsOf = async (
  admin: AdminClient,
  account: AccountId,
): Promise<AnswerOf<'account.get'>['grants']> => {
  try {
    return (await admin.call('account.get', { params: { account } })).body.grants;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_account')) return [];
    throw thrown;
  }
};

/** The default grant of the issuer itself; an owner has none. */
const ownDefaultGrant = async (admin: AdminClient): Promise<Hex | undefined> =>
  (await grantsOf(admin, await admin.own())).find(
    (grant) => grant.is_default && grant.status === 'active',
  )?.hash;

type Parties = {
  readonly issuer: Address;
  readonly delegate: Address;
  readonly audience: string;
  readonly asset: Address;
  /** The grant of which this one is a part, if the issuer is not an owner. */
  readonly parent: Hex | undefined;
};

const DAY = 86_400n;

/** The delegation that the options describe. @throws CliError usage */
const delegationIn = (
  { issuer, delegate, audience, asset, parent }: Parties,
  input: Input,
  now: number,
): AgentDelegation => {
  const total = input.text('total');
  if (total === undefined) {
    throw usageError(
      '--total, the most that the agent may spend, is missing.',
      'Give --total, e.g. --total 5, or --total 0 for free tools only.',
    );
  }
  const maxTotal = amountIn(total, '--total');
  const perCall = input.text('perCall');
  const perDay = input.text('perDay');
  return {
    issuer,
    delegate,
    audience,
    tools: listOf(input.text('tools') ?? '*'),
    payees: listOf(input.text('payee') ?? 'any').map(payeeIn),
    asset: maxTotal === 0n ? ZERO_ADDRESS : asset,
    maxPerCall: perCall === undefined ? maxTotal : amountIn(perCall, '--per-call'),
    maxTotal,
    windowSeconds: perDay === undefined ? 0n : DAY,
    maxPerWindow: perDay === undefined ? 0n : amountIn(perDay, '--per-day'),
    validAfter: 0n,
    validUntil: BigInt(timeIn(input.text('expires') ?? '30d', '--expires', now)),
    // `revoke --all` raises the issuer's epoch to its own time: it kills every earlier grant and no later one.
    epoch: BigInt(now),
    depth: input.number('depth', 0, MAX_DEPTH) ?? 0,
    id: random32(),
    parent: parent ?? ZERO_HASH,
  };
};
