import type { Signer } from '../../client/signer.ts';
import { accountId } from '../../protocol/account-id.ts';
import { issueGrant } from '../grant/issue.ts';
import { hasTerms, TERMS } from '../grant/terms.ts';
import { type AdminClient, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import type { OptionSpec } from '../lib/command.ts';
import { CliError, cliErrorOf, isRefusal, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { FleetAgent } from '../lib/keystore.ts';
import { limitWarnings, sentence } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { dollars, isoDay } from '../lib/units.ts';

/** Options that give every new agent a grant of the owner who signs. */
export const BUDGET: readonly OptionSpec[] = TERMS;

/** An agent of a fleet on this machine, and the name of the fleet. */
export type Members = {
  readonly fleet: string;
  readonly mnemonic: string;
  readonly organisation: number;
  readonly agents: readonly FleetAgent[];
};

/** The owner who signs the grants, or undefined if the options give no budget. Opened before keys are made: its password may be wrong. */
export const openOwner = async (
  session: Session,
  input: Input,
): Promise<AdminClient | undefined> => {
  if (hasTerms(input)) {
    const admin = await openAdmin(session, 'owner');
    await admin.networks();
    return admin;
  }
  const [alone] = TERMS.map(({ flags }) => flags.split(' ')[0] ?? '').filter(
    (flag) => input.text(flag === '--per-call' ? 'perCall' : flag.slice(2)) !== undefined,
  );
  if (alone === undefined) return undefined;
  throw usageError(
    `${alone} is a part of a budget, which is missing.`,
    `Give e.g. --per-day 1 ${alone} ….`,
  );
};

export type Budgets = {
  readonly grants: readonly { readonly agent: string; readonly grant: string }[];
  readonly lines: () => readonly string[];
};

/** Grants the same budget to each agent, which consents with its own key. @throws CliError that says which agents have theirs */
export const grantBudgets = async (
  admin: AdminClient,
  input: Input,
  { fleet: name, mnemonic, organisation, agents }: Members,
): Promise<Budgets> => {
  const { session } = admin;
  const { network } = (await admin.networks())[0];
  const { fleet } = await import('../../client/fleet.ts');
  const { agent: keyOf } = fleet(mnemonic, { organisation });
  warnIfStopped(admin);
  const grants: { agent: string; grant: string }[] = [];
  let last: Awaited<ReturnType<typeof issueGrant>> | undefined;
  await session.progress.during(
    () => `granting, ${grants.length} of ${agents.length}`,
    async () => {
      for (const agent of agents) {
        const signer: Signer = keyOf(agent.index);
        try {
          last = await issueGrant(admin, accountId(network, agent.address), input, signer);
        } catch (thrown) {
          throw unfinished(cliErrorOf(thrown), name, grants.length, agents.length);
        }
        grants.push({ agent: `${name}/${agent.name}`, grant: last.hash });
      }
    },
  );
  const credit = await creditOf(admin);
  return {
    grants,
    lines: () => (last === undefined ? [] : budgetLines(admin, last, agents.length, credit)),
  };
};

/** The agents exist and some may have their grant: the same budget again is what remains to do. */
const unfinished = (error: CliError, name: string, done: number, all: number): CliError =>
  new CliError(`${done} of ${all} agents have a budget. ${error.message}`, {
    hint: `${error.hint} The agents exist: \`countersign fleet budget ${name}\` with the same budget grants to all of them.`,
    ...{ code: error.code, exit: error.exit, details: error.details, cause: error },
  });

const creditOf = async (admin: AdminClient): Promise<bigint> => {
  try {
    const { body } = await admin.call('account.get', { params: { account: await admin.own() } });
    return body.money.reduce((sum, { credit }) => sum + BigInt(credit), 0n);
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_account')) return 0n;
    throw thrown;
  }
};

const budgetLines = (
  { session: { out } }: AdminClient,
  { delegation, warnings }: Awaited<ReturnType<typeof issueGrant>>,
  agents: number,
  credit: bigint,
): readonly string[] => {
  const { maxPerWindow, maxTotal, maxPerCall, windowSeconds, validUntil } = delegation;
  const limits = [
    ...(windowSeconds === 0n ? [] : [`${dollars(maxPerWindow)} a day`]),
    `${dollars(maxPerCall)} a call`,
    `${dollars(maxTotal)} in total`,
  ].join(', ');
  return [
    sentence(
      out,
      `${out.style.good('granted')}  ${agents === 1 ? 'it may spend' : 'each may spend'} ${limits}, until ${isoDay(Number(validUntil))}`,
    ),
    ...limitWarnings(out, warnings),
    sentence(
      out,
      credit > 0n
        ? `Your credit, ${dollars(credit)}, pays for their calls.`
        : 'You have no credit yet: `countersign credits top-up 5` buys some, which pays for their calls. Without it each agent pays from its own wallet.',
    ),
  ];
};
