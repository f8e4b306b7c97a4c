import gateway from '../../src/index.ts';

export { AgentAccount, AuditLog, Relayer, SettlementRequests } from '../../src/index.ts';

const drain = async ({ body, bodyUsed }: Request): Promise<void> => {
  if (body !== null && !bodyUsed) for await (const _ of body);
};

/**
 * The gateway on this machine. It reads what is left of a request's body, as Cloudflare does: workerd would close the connection while a
 * caller still sends.
 */
export default {
  ...gateway,
  fetch: async (request, env, context) => {
    try {
      return await gateway.fetch(request, env, context);
    } finally {
      await drain(request).catch(() => undefined);
    }
  },
} satisfies ExportedHandler<Env>;
