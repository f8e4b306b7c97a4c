import { env } from 'cloudflare:workers';
import { createManagement, type Management } from '../../../src/client/management.ts';
import { callHandlers } from '../../../src/management/call.ts';
import { chargeChangeHandlers } from '../../../src/management/charge-change.ts';
import type { AdminContext, Handler } from '../../../src/management/handler.ts';
import { ledgerHandlers } from '../../../src/management/ledger.ts';
import { ROUTE_TABLE, type RouteId } from '../../../src/management/routes.ts';
import { settlementHandlers } from '../../../src/management/settlement.ts';
import { spendHandlers } from '../../../src/management/spend.ts';
import { NOW } from '../gateway/signing.ts';
import { db } from '../audit/database.ts';

const HANDLERS = {
  'settlements.list': settlementHandlers['settlements.list'],
  'calls.list': callHandlers['calls.list'],
  'changes.list': chargeChangeHandlers['changes.list'],
  spend: spendHandlers.spend,
  books: ledgerHandlers.books,
} as const;

const CONTEXT = {
  db,
  env,
  config: { facilitators: [] },
  auditQueue: { metrics: async () => ({}) },
} as unknown as AdminContext;

/**
 * The published client, with a transport that parses each request by its route and calls the handler directly. It reads an operator's lists
 * without signatures, from the test's database and bucket. No page has more than `limit` items.
 */
export const handlerClient = (limit: number): Management =>
  createManagement({
    gateway: 'https://gateway.example',
    account: { address: `0x${'0a'.repeat(20)}`, signTypedData: () => Promise.reject(new Error()) },
    reader: async ({ url, target }) => {
      const { pathname, searchParams } = new URL(url);
      const found = Object.entries(HANDLERS).find(
        ([id]) => ROUTE_TABLE[id as RouteId].path === `GET ${pathname}`,
      );
      if (found === undefined) throw new Error(`The test has no handler for ${target}.`);
      const [id, handler] = found as unknown as [keyof typeof HANDLERS, Handler<'spend'>];
      const query = ROUTE_TABLE[id].query.parse(Object.fromEntries(searchParams)) as object;
      const short = 'limit' in query ? { ...query, limit } : query;
      const answer = await handler({
        ...{ context: CONTEXT, request: new Request(url), now: NOW, query: short },
      } as unknown as Parameters<typeof handler>[0]);
      if (!answer.ok) throw new Error(JSON.stringify(answer.error));
      return answer.value;
    },
  });
