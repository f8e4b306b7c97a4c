import type { Receipt } from '../../src/client/index.ts';
import { dollars, type Purchase } from './purchase.ts';
import { priceOf, type Scene } from './scene.ts';
import type { Client } from '@modelcontextprotocol/client';
import * as z from 'zod/mini';

const TOOL = 'translate';
const WORDS = { text: 'the big river', to: 'fr' };

const priceSchema = z.object({ amount: z.string() });

/** What the client reports about a call, in the `_meta` of its result. */
const reportSchema = z.object({
  call: z.templateLiteral(['0x', z.string()]),
  binding: z.literal(['none', 'intent']),
  charged: z.string(),
  receipt: z.custom<Receipt>((value) => typeof value === 'object' && value !== null),
});

const answerSchema = z.object({ text: z.string() });

const statedPrice = async (client: Client): Promise<bigint | undefined> => {
  const { tools } = await client.listTools();
  const price = priceSchema.safeParse(
    tools.find(({ name }) => name === TOOL)?._meta?.['countersign/price'],
  );
  return price.success ? BigInt(price.data.amount) : undefined;
};

/** Finds a tool over MCP with the official SDK, reads its price, and pays for a call of it. */
export const payOverMcp = async (scene: Scene): Promise<Purchase> => {
  const { narrator, stack, wallet } = scene;
  const url = `${stack.gateway}/mcp`;
  const price = priceOf(scene, TOOL);
  const client = await narrator.during('connecting', wallet.agent.mcp(url));
  const stated = await statedPrice(client);
  narrator.check(
    `tools/list has ${TOOL}, for ${dollars(price)} a call`,
    stated === price,
    stated === undefined ? 'no price' : dollars(stated),
  );
  const result = await narrator.during('paying', client.callTool({ name: TOOL, arguments: WORDS }));
  const report = reportSchema.parse(result._meta?.['countersign/report']);
  const answer = answerSchema.parse(result.structuredContent);
  narrator.detail(JSON.stringify(answer.text));
  const { call, receipt } = report;
  const charged = BigInt(report.charged);
  narrator.check(
    `paid ${dollars(price)}, bound to tool and arguments; receipt verified`,
    charged === price && report.binding === 'intent' && receipt.verified,
    receipt.verified ? `${dollars(charged)}, binding '${report.binding}'` : receipt.why,
  );
  return {
    request: { tool: TOOL, method: 'tools/call', url },
    call: call as Purchase['call'],
    answer: {
      status: 200,
      headers: new Headers(),
      bytes: new TextEncoder().encode(JSON.stringify(answer)),
    },
    charged,
    transaction: '',
    receipt: receipt.verified
      ? {
          valid: true,
          compared: Object.keys(receipt.claims),
          entry: receipt.claims.entry,
          policy: receipt.claims.policy,
        }
      : { valid: false, why: receipt.why },
    creditLeft: undefined,
  };
};
