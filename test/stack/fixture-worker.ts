import { DurableObject } from 'cloudflare:workers';

/** Replaces the gateway in tests of its process. */
export class AgentAccount extends DurableObject {
  async next(): Promise<number> {
    const next = ((await this.ctx.storage.get<number>('next')) ?? 0) + 1;
    await this.ctx.storage.put('next', next);
    return next;
  }
}

/** Required by the bindings of wrangler.toml. */
export class Relayer extends DurableObject {}
export class AuditLog extends DurableObject {}

type Bindings = {
  readonly AGENT_ACCOUNT: DurableObjectNamespace<AgentAccount>;
  readonly AUDIT_DB: D1Database;
  readonly RECEIPT_KEY: string;
};

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    const path = new URL(request.url).pathname;
    if (path === '/healthz') return new Response('ok');
    if (path === '/key') return new Response(env.RECEIPT_KEY);
    if (path === '/next') return Response.json(await env.AGENT_ACCOUNT.getByName('one').next());
    if (path === '/tables') {
      const rows = await env.AUDIT_DB.prepare('SELECT name FROM sqlite_master').all<{
        name: string;
      }>();
      return Response.json(rows.results.map(({ name }) => name));
    }
    const texts = Object.entries(env).filter(
      ([name, value]) => typeof value === 'string' && name !== 'RECEIPT_KEY',
    );
    return Response.json(Object.fromEntries(texts));
  },
  async queue(): Promise<void> {},
};
