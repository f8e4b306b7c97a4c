import { problem } from '../protocol/problem/problem.ts';
import type { SignerEnv } from './env.ts';
import { readSignerSettings } from './settings.ts';
import { answerAgent } from './worker/agent-request.ts';
import { onAuditBatch } from './worker/audit-queue.ts';
import { answerOwner } from './worker/owner-routes.ts';

export { Keyring } from '../../durable-objects/keyring.ts';

const RPC = /^\/rpc\/([^/]+)$/;
const OWNERS = /^\/owners\/([^/]+)\/(.+)$/;

/** The signer Worker (docs/signer.md): agents at `/rpc/<owner>`, owners at `/owners/<owner>/…`. `/healthz` answers 200 if its settings are valid. */
export default {
  async fetch(request, env) {
    const settings = readSignerSettings(env);
    if (!settings.ok) return problem({ reason: 'misconfigured', faults: settings.error });
    const { pathname } = new URL(request.url);
    if (pathname === '/healthz') return new Response('ok\n');
    const [, agentsOf] = RPC.exec(pathname) ?? [];
    if (agentsOf !== undefined) return answerAgent(env, settings.value, request, decoded(agentsOf));
    const [, owner, rest] = OWNERS.exec(pathname) ?? [];
    return owner === undefined || rest === undefined
      ? problem({ reason: 'not_found' })
      : answerOwner(env, settings.value, request, decoded(owner), rest);
  },
  queue: onAuditBatch,
} satisfies ExportedHandler<SignerEnv>;

/** Clients may send the colons of an account as `%3A`. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
};
