import { createAgent } from '../../client/agent.ts';
import type { Offered } from '../../client/hooks.ts';
import { requestOf, type ToolRequest } from '../../catalog/tool-request.ts';
import type { Tool } from '../../catalog/tool.ts';
import { printAnswer } from '../call/answer.ts';
import { createTrace } from '../call/trace.ts';
import { cliErrorOf, Ended } from '../lib/errors.ts';
import type { Output } from '../lib/output.ts';
import type { Session } from '../lib/session.ts';
import { printable } from '../lib/text.ts';
import type { StackSummary } from './local-stack.ts';
import { sampleArguments } from './sample-arguments.ts';

/** The first tool with a price, else the first tool. */
export const firstSold = (tools: readonly Tool[]): Tool | undefined => {
  const sold = tools.filter(({ disabled }) => !disabled);
  return sold.find(({ price }) => price > 0n) ?? sold[0];
};

/** Calls the first tool as the funded agent, pays for it, and prints each step. Reports every failure and throws none. */
export const testCall = async (
  session: Session,
  { gateway, agent }: Pick<StackSummary, 'gateway' | 'agent'>,
  tools: readonly Tool[],
): Promise<void> => {
  const { out } = session;
  const tool = firstSold(tools);
  if (tool === undefined) return out.note('tools.json has no tool to call: each one is disabled.');
  const request = requestOf(tool, sampleArguments(tool));
  if (!request.ok) {
    const [fault] = request.error;
    return out.note(
      `The command cannot make up arguments for ${tool.id}: ${fault?.field ?? ''} ${fault?.reason ?? ''}. Add examples to its inputSchema.`,
    );
  }
  try {
    await pay(session, gateway, agent.privateKey, tool, request.value);
  } catch (thrown) {
    // The answer of the tool is printed already.
    if (thrown instanceof Ended)
      return out.note(
        `The tool did not succeed, so the call cost nothing. If its arguments are wrong, add examples to the inputSchema of ${tool.id}.`,
      );
    const { message, hint } = cliErrorOf(thrown);
    out.note(`${out.noteStyle.bad('error')} ${printable(message)}\n  ${printable(hint)}`);
  }
};

const pay = async (
  session: Session,
  gateway: string,
  key: `0x${string}`,
  tool: Tool,
  request: ToolRequest,
): Promise<void> => {
  const { out, signal } = session;
  const { privateKeyToAccount } = await import('viem/accounts');
  const trace = createTrace(out);
  const offers: Offered[] = [];
  const agent = createAgent({
    account: trace.signer(privateKeyToAccount(key)),
    spend: { perCall: tool.price, total: tool.price },
    fetch: tracedFetch(out),
    hooks: {
      ...trace.hooks,
      onOffer: (offered) => {
        offers.push(offered);
        void trace.hooks.onOffer?.(offered);
        return true;
      },
    },
  });
  const { method, target, headers: own, contentType, body } = request;
  const headers = new Headers(own);
  if (contentType !== '') headers.set('content-type', contentType);
  // A request below a wildcard has at least the slash.
  const url = gateway + (tool.path.endsWith('/*') ? withSlash(target) : target);
  const response = await agent.fetch(url, {
    method,
    headers,
    signal,
    ...(body === undefined ? {} : { body }),
  });
  await printAnswer(
    session,
    { url, origin: gateway, method, headers, body },
    response,
    offers.at(-1),
    { verbose: true, isRaw: false },
  );
};

/** Prints each request and the status of its answer, without headers: `countersign call -v` prints those. */
const tracedFetch =
  ({ trace, noteStyle: style }: Output): typeof globalThis.fetch =>
  async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const method = init?.method ?? 'GET';
    const headers = new Headers(init?.headers);
    const isPaid = PROOFS.some((name) => headers.has(name));
    trace(`${style.dim('>')} ${method} ${printable(url)}${isPaid ? style.dim(', signed') : ''}`);
    const from = performance.now();
    const response = await globalThis.fetch(input, init);
    const ms = style.dim(`${Math.round(performance.now() - from)} ms`);
    trace(`${style.dim('<')} ${response.status} ${printable(response.statusText)}  ${ms}`);
    return response;
  };

const PROOFS = ['payment-signature', 'agent-intent'];

const withSlash = (target: string): string => target.replace(/^[^?]*/, (path) => `${path}/`);
