import type { EgressReach } from '../../protocol/egress-url.ts';

/** Which upstreams the gateway may call. It decides by its configuration; this guess only finds mistakes before it does. */
export const reachHere = (): EgressReach =>
  /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(location.hostname)
    ? 'local_stack'
    : 'public';
