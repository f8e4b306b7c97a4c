import gateway from '../../src/index.ts';

export { AgentAccount, AuditLog, Relayer, SettlementRequests } from '../../src/index.ts';

const drain = async ({ body, bodyUsed }: Request): Promise<void> => {
  if (body !== null && !bodyUsed) for await (const _ of body);
};

/**
 * The gateway on this machine. After each answer it reads the rest of the request's body, as Cloudflare does: otherwise workerd would close
 * the connection while the caller still sends.
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
