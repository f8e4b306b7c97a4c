import { CountersignError } from '../../client/errors.ts';
import { createManagement, type Management } from '../../client/management.ts';
import { addressOf, type Signer } from '../../client/signer.ts';
import { type AccountId, accountId, chainIdOf, parseAccountId } from '../../protocol/account-id.ts';
import { type Address } from '../../core/hex.ts';
import type { Input } from './command.ts';
import { CliError, cliErrorOf } from './errors.ts';
import { EXIT } from './exit-code.ts';
import type { StackRole } from './profile.ts';
import type { Session } from './session.ts';
import { type GatewayNetwork, networksOf } from './gateway-networks.ts';
import { refusalOf } from './refusal.ts';

/** One who manages a gateway, at their desk: whose key signs, and what is asked with it. */
export type AdminClient = {
  readonly session: Session;
  readonly role: StackRole;
  readonly gateway: string;
  readonly signer: Signer;
  readonly self: Address;
  /** The chains of the gateway, the usual one first. @throws CliError */
  networks(): Promise<readonly [GatewayNetwork, ...GatewayNetwork[]]>;
  /** The account of whoever signs, on the gateway's usual chain. */
  own(): Promise<AccountId>;
  /** One question, or one order. @throws CliError */
  readonly call: Management['call'];
  /** Everything on a list. @throws CliError */
  readonly list: Management['list'];
  readonly export: Management['export'];
  /** The client below, for streams. */
  readonly management: (fetcher?: typeof globalThis.fetch) => Management;
};

/** `--operator`, where a command has that: else as owner. */
export const roleOf = (input: Input): StackRole => (input.flag('operator') ? 'operator' : 'owner');

export const openAdmin = async (session: Session, role: StackRole): Promise<AdminClient> => {
  const { profile, progress, signal } = session;
  const gateway = await profile.gateway();
  const signer = await profile.signer(role, gateway);
  const self = addressOf(signer);
  const management: AdminClient['management'] = (fetcher) =>
    createManagement({
      gateway,
      account: signer,
      ...(fetcher === undefined ? {} : { fetch: fetcher }),
    });
  const client = management();
  let networks: ReturnType<AdminClient['networks']> | undefined;
  const admin: AdminClient = {
    session,
    role,
    gateway,
    signer,
    self,
    management,
    networks: async () => await (networks ??= networksOf(gateway, signal)),
    own: async () => accountId((await admin.networks())[0].network, self),
    call: async (id, ...request) =>
      await guarded(async () =>
        progress.during('asking the gateway', async () => client.call(id, ...request)),
      ),
    list: (id, ...request) => guardedItems(client.list(id, ...request)),
    export: (id, ...request) => guardedItems(client.export(id, ...request)),
  };
  return admin;
};

const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    throw errorOf(thrown);
  }
};

async function* guardedItems<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (thrown) {
    throw errorOf(thrown);
  }
}

/** What the management client throws, as an error of this command: a refusal with the gateway's own words. */
export const errorOf = (thrown: unknown): CliError => {
  if (!(thrown instanceof CountersignError)) return cliErrorOf(thrown);
  if (thrown.code === 'refused') return refusalOf(thrown);
  if (thrown.code !== 'command_lost') return cliErrorOf(thrown);
  const { message, hint, code } = thrown;
  return new CliError(message, { hint, code, exit: EXIT.network, cause: thrown });
};

/** All items of a list, at most so many. */
export const collected = async <T>(
  { session }: AdminClient,
  items: AsyncGenerator<T>,
  most = Number.POSITIVE_INFINITY,
): Promise<readonly T[]> =>
  await session.progress.during('reading', async () => {
    const all: T[] = [];
    for await (const item of items) {
      all.push(item);
      if (all.length >= most) break;
    }
    return all;
  });

/** Says what to do if Ctrl-C comes while an order is on its way. */
export const warnIfStopped = ({ session }: AdminClient): void =>
  session.ifStopped(
    'The gateway may have carried out the command. Read what it stores before you repeat it.',
  );

/** The network of an account, as the gateway knows it. */
export const networkOf = async (
  admin: AdminClient,
  account: AccountId,
): Promise<GatewayNetwork> => {
  const on = parseAccountId(account)?.network;
  const known = (await admin.networks()).find(({ network }) => network === on);
  if (known !== undefined) return known;
  const [first] = await admin.networks();
  return on === undefined ? first : { ...first, network: on, chainId: chainIdOf(on) ?? 0 };
};
