import type { EgressReach } from '../../../protocol/egress-url.ts';

/** Which upstreams the gateway may call. It decides by its configuration; this guess only finds mistakes before it does. */
export const expectedReach = (): EgressReach =>
  /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(location.hostname)
    ? 'local_stack'
    : 'public';

/**
 * The key in a command: a local stack has one for each role, which needs no password (docs/cli.md). Elsewhere a person replaces the word.
 */
export const keyName = (role: 'owner' | 'agent'): string => {
  if (expectedReach() === 'local_stack') return role;
  return role === 'owner' ? 'KEY' : 'AGENT_KEY';
};
