import { network as networkOn, type Network, parseAccountId } from '../protocol/account-id.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { placeOf, type RouteId, toolIdOf } from '../management/place.ts';
import { readChallenge } from './challenge.ts';
import { CountersignError } from './errors.ts';
import { exchange, type Sender } from './exchange.ts';
import { signQuestion, windowAt } from './intent-proof.ts';
import { outgoingFor, type Written } from './management-request.ts';
import type { Outgoing } from './outgoing.ts';
import { isProblem } from './problem.ts';
import { send } from './send.ts';
import type { Signer } from './signer.ts';

/** What the requests of one client share. */
export type Desk = Sender & {
  readonly signer: Signer;
  /** Where requests go. */
  readonly origin: string;
  /** What the gateway calls itself. */
  readonly audience: string;
  /** Which of the signer's accounts asks; absent: as the request says, or as the gateway wants. */
  readonly chainId: number | undefined;
  /** The first chain of the gateway, once it was asked for. */
  readonly first: { network?: Network };
};

/**
 * Signs a request for a route, and only that one, and sends it until it is answered.
 * @throws CountersignError `refused`, `order_lost`, and those of signing and sending
 */
export const sendFor = async (desk: Desk, id: RouteId, written: Written): Promise<Response> => {
  const outgoing = await outgoingFor(desk.origin, id, written);
  const proof = await signQuestion(
    desk.signer,
    outgoing,
    await networkFor(desk, outgoing, written),
    {
      audience: desk.audience,
      tool: toolIdOf(id),
      payTo: ZERO_ADDRESS,
      asset: ZERO_ADDRESS,
      maxAmount: 0n,
      ...windowAt(desk.now()),
    },
  );
  const { response, problem, lost } = await exchange(desk, outgoing, proof).catch(
    (cause: unknown) => {
      throw isWrite(id) && isLost(cause) ? orderLost({ cause }) : cause;
    },
  );
  if (response.ok) return response;
  const more = { response, ...(problem === undefined ? {} : { problem }) };
  // The first attempt had arrived after all, and only its answer was lost.
  if (lost && isProblem(problem, 'already-used')) throw orderLost(more);
  const why = problem?.detail ?? problem?.title ?? `It answers ${response.status}.`;
  throw new CountersignError('refused', why, more);
};

const isWrite = (id: RouteId): boolean => placeOf(id).method !== 'GET';

const isLost = (cause: unknown): boolean =>
  cause instanceof CountersignError && cause.code === 'answer_lost';

const orderLost = (more: ConstructorParameters<typeof CountersignError>[2]): CountersignError =>
  new CountersignError('order_lost', 'No answer came to the order.', more);

/** The account of a tree lives on one chain; an operator is one on every chain that the gateway takes, so it is asked for one. */
const networkFor = async (
  desk: Desk,
  outgoing: Outgoing,
  { params }: Written,
): Promise<Network> => {
  const about = parseAccountId(params?.['account'] ?? '')?.network;
  if (desk.chainId !== undefined) return networkOn(desk.chainId);
  if (about !== undefined) return about;
  desk.first.network ??= await send(desk, outgoing, {}, async (response) => {
    const challenge = response.status === 401 ? await readChallenge(response) : undefined;
    if (challenge !== undefined) return challenge.networks[0];
    throw new CountersignError('challenge_malformed', 'The gateway asks for no AgentIntent.', {
      response,
    });
  });
  return desk.first.network;
};
