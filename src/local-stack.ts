import { type EgressReach, isLoopbackHost } from './protocol/egress-url.ts';
import { err, ok } from './core/result.ts';
import { readAudiences, type Setting } from './settings.ts';

/** Names that nobody can register (RFC 2606, RFC 6761): no public gateway has one of them as its origin. */
const RESERVED = /\.(?:test|example|invalid|localhost)$/;

/**
 * `LOCAL_STACK`: "true" lets the gateway also call http and its own machine, for development and tests.
 *
 * A deployed gateway cannot have it by accident: it is refused beside an audience that the public could reach, and without a
 * reachable audience no client's signature fits the gateway. A fault of AUDIENCES itself is reported by its own reader.
 */
export const readReach = (text: string, audiences: string): Setting<EgressReach> => {
  if (text === '' || text === 'false') return ok('public');
  if (text !== 'true') return err(['must be "true" or "false"']);
  const read = readAudiences(audiences);
  const reachable = read.ok ? read.value.find((origin) => !isUnreachable(origin)) : undefined;
  return reachable === undefined
    ? ok('local_stack')
    : err([`must not be "true": AUDIENCES names ${reachable}, which is not on this machine`]);
};

const isUnreachable = (origin: string): boolean => {
  const { hostname } = new URL(origin);
  return isLoopbackHost(hostname) || RESERVED.test(hostname);
};
