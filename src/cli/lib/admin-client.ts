import * as z from 'zod/mini';
import { createManagement, type Management, type PageInfo } from '../../client/management.ts';
import { addressOf, type Signer } from '../../client/signer.ts';
import type { Address } from '../../core/hex.ts';
import {
  accountId,
  type AccountId,
  chainIdOf,
  type Network,
  parseAccountId,
} from '../../protocol/account-id.ts';
import { CliError, cliErrorOf, EXIT } from './errors.ts';
import { httpGet } from './http-get.ts';
import type { Input } from './input.ts';
import type { Role } from './profile.ts';
import type { Session } from './session.ts';

/** The management API of one gateway, called with one key. */
export type AdminClient = {
  readonly session: Session;
  readonly role: Role;
  readonly gateway: string;
  readonly signer: Signer;
  readonly self: Address;
  /** The networks of the gateway, its default first. @throws CliError */
  networks(): Promise<readonly [GatewayNetwork, ...GatewayNetwork[]]>;
  /** The signer's account on the gateway's default network. */
  own(): Promise<AccountId>;
  /** Reads, or sends one command. @throws CliError */
  readonly call: Management['call'];
  /** Reads all pages of a list. @throws CliError */
  readonly list: Management['list'];
  readonly export: Management['export'];
  /** The client of `countersign/client`, for event streams. */
  readonly management: (fetcher?: typeof globalThis.fetch) => Management;
};

/** `--operator`, else owner. */
export const roleOf = (input: Input): Role => (input.flag('operator') ? 'operator' : 'owner');

export const openAdmin = async (
  session: Session,
  role: Role,
  origin?: string,
): Promise<AdminClient> => {
  const { profile, progress, signal } = session;
  const gateway = origin ?? (await profile.gateway());
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
    call: async (id, ...request) => {
      try {
        return await progress.during('calling the gateway', async () =>
          client.call(id, ...request),
        );
      } catch (thrown) {
        throw explained(admin, thrown, request[0]);
      }
    },
    list: (id, ...request) =>
      withCliErrors(client.list(id, ...request), (thrown) => explained(admin, thrown, request[0])),
    export: (id, ...request) =>
      withCliErrors(client.export(id, ...request), (thrown) =>
        explained(admin, thrown, request[0]),
      ),
  };
  return admin;
};

async function* withCliErrors<T>(
  items: AsyncGenerator<T>,
  errorOf: (thrown: unknown) => CliError,
): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (thrown) {
    throw errorOf(thrown);
  }
}

/** For an unknown account the next step depends on whose it is and who signs. */
const explained = (
  { self, role }: AdminClient,
  thrown: unknown,
  request: object | undefined,
): CliError => {
  const error = cliErrorOf(thrown);
  const { params } = (request ?? {}) as { readonly params?: { readonly account?: AccountId } };
  const account = params?.account;
  if (error.code !== 'unknown_account' || account === undefined) return error;
  const because = { code: error.code, exit: error.exit, details: { account }, cause: error };
  if (account.endsWith(`:${self}`))
    return new CliError('The key that signs has no account at this gateway yet.', {
      hint: `An account begins with its first payment: \`countersign credits top-up 1 --to ${self}\` buys credit. Give --as <name> to sign with another key, --operator to act as operator.`,
      ...because,
    });
  if (role === 'owner') return error;
  return new CliError('The gateway has no such account.', {
    hint: '`countersign accounts list` lists all accounts. An account begins with its first payment, top-up or grant.',
    ...because,
  });
};

/** The items of a list, at most `most`. */
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

/** A list with its age: that of its first page, which is the oldest. */
export const datedList = async <T>(
  admin: AdminClient,
  open: (onPage: (page: PageInfo) => void) => AsyncGenerator<T>,
  most?: number,
): Promise<{ readonly items: readonly T[] } & PageInfo> => {
  let first: PageInfo | undefined;
  const items = await collected(
    admin,
    open((page) => {
      first ??= page;
    }),
    most,
  );
  return { items, ...first };
};

/** Sets the next step for Ctrl-C while a command is on its way to the gateway. */
export const warnIfStopped = ({ session }: AdminClient): void =>
  session.ifStopped(
    'The gateway may have carried out the command. Read what it stores before you repeat it.',
  );

/** The network of an account, with its token if the gateway accepts payments there. */
export const networkOf = async (
  admin: AdminClient,
  account: AccountId,
): Promise<GatewayNetwork> => {
  const network = parseAccountId(account)?.network;
  const networks = await admin.networks();
  const known = networks.find((each) => each.network === network);
  if (known !== undefined || network === undefined) return known ?? networks[0];
  return { ...networks[0], network, chainId: chainIdOf(network) ?? 0 };
};

/** A network on which a gateway accepts payments, and the token it accepts. */
export type GatewayNetwork = {
  readonly network: Network;
  readonly chainId: number;
  readonly asset: Address;
};

const address = z.pipe(
  z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/)),
  z.transform((text) => text.toLowerCase() as Address),
);

const schema = z.looseObject({
  networks: z
    .array(
      z.looseObject({
        network: z.string().check(z.refine((text) => chainIdOf(text) !== undefined)),
        asset: address,
      }),
    )
    .check(z.minLength(1), z.maxLength(64)),
});

/** Reads the networks of a gateway from `/.well-known/agent-intent`. @throws CliError */
const networksOf = async (
  gateway: string,
  signal: AbortSignal,
): Promise<readonly [GatewayNetwork, ...GatewayNetwork[]]> => {
  const answer = await httpGet(`${gateway}/.well-known/agent-intent`, signal);
  if (!answer.ok) {
    throw new CliError(`The command cannot reach ${gateway}. ${answer.error}`, {
      hint: 'Check --gateway and your network. `countersign doctor` checks each part.',
      exit: EXIT.network,
      code: 'unreachable',
    });
  }
  const read = schema.safeParse(answer.value.json);
  const [first, ...more] = read.success
    ? read.data.networks.map(({ network, asset }) => ({
        network: network as Network,
        chainId: chainIdOf(network) ?? 0,
        asset,
      }))
    : [];
  if (answer.value.status === 200 && first !== undefined) return [first, ...more];
  throw new CliError(`${gateway} does not describe itself as a Countersign gateway.`, {
    hint: 'Correct --gateway. `countersign doctor` checks each part.',
    code: 'no_gateway',
  });
};
