import gateway, { AgentAccount as Account, configure } from '../chaos/run/worker.ts';

/**
 * The unchanged gateway with a clock that a test moves (`POST /_chaos`). While a test wants it (`POST /_dead`), settlement messages go
 * directly to their dead-letter queue; Cloudflare moves a message there after its last retry, which takes half an hour. `POST /_dead_event`
 * puts a message of the webhook queue there.
 */
configure({ seed: 0, faults: [] });

let isDead = false;

const dying = (queue: Queue, dead: Queue): Queue => ({
  metrics: () => queue.metrics(),
  send: (...all) => (isDead ? dead : queue).send(...all),
  sendBatch: (...all) => (isDead ? dead : queue).sendBatch(...all),
});

export class AgentAccount extends Account {
  constructor(context: DurableObjectState, env: Env) {
    const { SETTLEMENT_QUEUE: queue, SETTLEMENT_DEAD_QUEUE: dead } = env;
    super(context, { ...env, SETTLEMENT_QUEUE: dying(queue, dead) });
  }
}

export { AuditLog, Relayer } from '../chaos/run/worker.ts';

export default {
  ...gateway,
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === '/_dead_event') {
      await env.WEBHOOK_DEAD_QUEUE.send(await request.json());
      return new Response(null, { status: 204 });
    }
    if (pathname === '/_dead') {
      isDead = (await request.text()) === 'on';
      return new Response(null, { status: 204 });
    }
    const answer = await gateway.fetch(request, env, context);
    const dated = new Response(answer.body, answer);
    // Pages sign with the gateway's time.
    dated.headers.set('Date', new Date(Date.now()).toUTCString());
    return dated;
  },
} satisfies ExportedHandler<Env>;
