import { requestOf } from '../../catalog/tool-request.ts';
import type { Tool } from '../../catalog/tool.ts';
import type { Output } from '../lib/output.ts';
import { counted, fields, printable } from '../lib/text.ts';
import type { StackSummary } from './local-stack.ts';
import { sampleArguments } from './sample-arguments.ts';
import { firstSold } from './test-call.ts';

/** What a person sees when the gateway runs. */
export const readyText = (
  { style, width }: Output,
  { gateway, upstream, agent }: StackSummary,
  tools: readonly Tool[],
  {
    log,
    unsold,
    hasKeys,
  }: { readonly log: string; readonly unsold: number; readonly hasKeys: boolean },
): string => {
  const sold = tools.filter(({ disabled }) => !disabled);
  const tool = firstSold(tools);
  return [
    '',
    `${style.good('ready')}  ${unsold === 0 ? '' : `${sold.length - unsold} of `}${counted(sold.length, 'tool')} on sale at ${style.bold(gateway)}`,
    '',
    fields(
      [
        ...(upstream === '' ? [] : [['  upstream', upstream] as const]),
        ['  agent', `${agent.address}, with $1,000 of local USDC`],
        ['  log', log],
        ['  watched', 'tools.json'],
      ],
      style.dim,
      width,
    ),
    '',
    ...(tool === undefined
      ? []
      : ['Pay for a call in another terminal:', `  ${style.accent(callText(tool))}`, '']),
    hasKeys
      ? `${style.bold('p')} pay for a test call   ${style.bold('q')} stop`
      : style.dim('Ctrl-C stops everything.'),
  ].join('\n');
};

/** What a stored or removed secret changed, e.g. `2 of 3 tools on sale now`. */
export const onSaleText = (tools: readonly Tool[], unsold: number): string => {
  const sold = tools.filter(({ disabled }) => !disabled).length;
  return `${sold - unsold} of ${counted(sold, 'tool')} on sale now`;
};

const quoted = (text: string): string =>
  /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The command that calls a tool as the funded agent. */
const callText = (tool: Tool): string => {
  const request = requestOf(tool, sampleArguments(tool));
  const { method, target, body } = request.ok
    ? request.value
    : { method: tool.method, target: tool.path, body: undefined };
  const data = body === undefined ? '' : ` -d ${quoted(new TextDecoder().decode(body))}`;
  const isImplied = method === (body === undefined ? 'GET' : 'POST');
  return printable(
    `npx countersign call ${quoted(target)}${isImplied ? '' : ` -X ${method}`}${data}`,
  );
};
