import { reachHere } from './reach-here.ts';

/** The key that a command names: a local stack has one of each role, which needs no password (docs/cli.md). Elsewhere a person replaces the word. */
export const keyName = (role: 'owner' | 'agent'): string => {
  if (reachHere() === 'local_stack') return role;
  return role === 'owner' ? 'KEY' : 'AGENT_KEY';
};
