import type * as z from 'zod/mini';
import { CountersignError, isProblem } from '../../client/errors.ts';
import { exchange } from '../../client/exchange.ts';
import { readJsonBody } from '../../client/json.ts';
import { readOutgoing } from '../../client/outgoing.ts';
import { signQuestion, windowAt } from '../../client/proof.ts';
import { addressOf } from '../../client/signer.ts';
import { sleep } from '../../client/transport.ts';
import { ZERO_ADDRESS } from '../../core/hex.ts';
import { accountId, type AccountId, network, type Network } from '../../protocol/account-id.ts';
import {
  SIGNER_ANSWERS,
  SIGNER_ROUTES,
  type SignerRouteId,
  signerToolOf,
} from '../../protocol/signer/management.ts';
import { networkOfName } from '../../protocol/x402/networks.ts';
import type { OptionSpec } from '../lib/command.ts';
import { CliError, cliErrorOf, EXIT, networkReason, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { isLoopback } from '../lib/local-stack.ts';
import { originOf } from '../lib/profile.ts';
import type { Session } from '../lib/session.ts';

export const AT_SIGNER: readonly OptionSpec[] = [
  { flags: '--signer <origin>', summary: 'the signer to call', env: 'COUNTERSIGN_SIGNER' },
  {
    flags: '--network <name>',
    summary: 'network of your account there, e.g. base-sepolia (default: base)',
    env: 'COUNTERSIGN_NETWORK',
  },
];

type Answer<Id extends SignerRouteId> = z.output<(typeof SIGNER_ANSWERS)[Id]>;
type Request = {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>>;
};

/** The API of one signer for the owner who signs. */
export type OwnerClient = {
  readonly session: Session;
  readonly origin: string;
  readonly owner: AccountId;
  /** Reads, or sends one command. @throws CliError */
  call<Id extends SignerRouteId>(id: Id, request?: Request): Promise<Answer<Id>>;
};

const MAX_ANSWER = 32 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
const RETRIES = 4;

/** @throws CliError */
export const openOwner = async (session: Session, input: Input): Promise<OwnerClient> => {
  const { env, profile, progress, signal, now } = session;
  const given = input.text('signer') ?? env['COUNTERSIGN_SIGNER'] ?? '';
  if (given === '') {
    throw usageError(
      'The command does not know which signer to call.',
      'Give --signer <origin>, e.g. --signer https://signer.example, or set COUNTERSIGN_SIGNER.',
    );
  }
  const origin = originOf(given, '--signer');
  const signer = await profile.signer('owner', origin);
  const on = await networkIn(session, input, origin);
  const owner = accountId(on, addressOf(signer));
  const sender = {
    fetch: globalThis.fetch,
    timeoutMs: TIMEOUT_MS,
    hooks: {},
    now,
    retries: RETRIES,
    sleep,
  };

  const call = async <Id extends SignerRouteId>(
    id: Id,
    { body, query = {} }: Request = {},
  ): Promise<Answer<Id>> => {
    const { method, path } = SIGNER_ROUTES[id];
    const url = new URL(path.replace(':owner', owner), origin);
    url.search = new URLSearchParams(query).toString();
    const outgoing = await readOutgoing(url, {
      method,
      signal,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const proof = await signQuestion(signer, outgoing, on, {
      ...{ audience: origin, tool: signerToolOf(id), payTo: ZERO_ADDRESS, asset: ZERO_ADDRESS },
      maxAmount: 0n,
      ...windowAt(now()),
    });
    const { response, problem, lost } = await exchange(sender, outgoing, proof).catch(
      (thrown: unknown) => {
        if (!isLost(thrown)) throw cliErrorOf(thrown);
        throw method === 'GET' ? unreachable(origin, thrown) : unknownOutcome(origin);
      },
    );
    if (!response.ok) {
      // A 503 does not exclude that an earlier attempt carried the command out.
      if (
        lost &&
        method !== 'GET' &&
        (response.status === 503 || isProblem(problem, 'already-used'))
      )
        throw unknownOutcome(origin);
      const more = { response, ...(problem === undefined ? {} : { problem }) };
      throw cliErrorOf(new CountersignError('refused', 'The signer refused.', more));
    }
    const read = SIGNER_ANSWERS[id].safeParse(await readJsonBody(response, MAX_ANSWER, TIMEOUT_MS));
    if (read.success) return read.data as Answer<Id>;
    throw new CliError(`${origin} does not answer as a signer of this release.`, {
      hint: 'Check --signer. The command and the signer must have the same release.',
      code: 'answer_malformed',
    });
  };
  return {
    session,
    origin,
    owner,
    call: async (id, request) =>
      await progress.during('calling the signer', async () => call(id, request)),
  };
};

/** `--network`; else the chain of a local stack for a signer on this machine; else Base. @throws CliError usage */
const networkIn = async (
  { env, profile }: Session,
  input: Input,
  origin: string,
): Promise<Network> => {
  const name = input.text('network') ?? env['COUNTERSIGN_NETWORK'] ?? '';
  if (name === '') {
    const stack = isLoopback(origin) ? await profile.stack() : undefined;
    return network(stack?.chainId ?? 8453);
  }
  const found = networkOfName(name);
  if (found !== undefined) return found;
  throw usageError(
    'The command does not know that network.',
    'Give --network with its name, e.g. base or base-sepolia.',
  );
};

const isLost = (thrown: unknown): thrown is CountersignError =>
  thrown instanceof CountersignError && thrown.code === 'answer_lost';

const unreachable = (origin: string, { cause }: CountersignError): CliError =>
  new CliError(
    `The command cannot reach ${origin}. ${networkReason(cause) ?? 'It is not ready.'}`,
    {
      hint: 'Check --signer and your network; `countersign doctor` in the project of the signer says whether it is deployed.',
      exit: EXIT.network,
      code: 'unreachable',
    },
  );

const unknownOutcome = (origin: string): CliError =>
  new CliError(`${origin} did not answer the command.`, {
    hint: 'The signer may have carried it out: `countersign signer list` shows what it stores.',
    exit: EXIT.network,
    code: 'command_lost',
  });

/** Sets the next step for Ctrl-C while a command is on its way to the signer. */
export const warnIfStopped = ({ session }: OwnerClient): void =>
  session.ifStopped(
    'The signer may have carried out the command: `countersign signer list` shows what it stores.',
  );
