import { decimalOf } from '../dashboard/format/amount.ts';
import type { Network } from '../protocol/account-id.ts';
import { networkName } from '../protocol/network-name.ts';
import type { PayTool } from './pay-tool.ts';

/** When the money moves, for a person who has not signed yet. */
const WHEN: Readonly<Record<PayTool['settlement'], string>> = {
  deferred:
    'A call that is refused or fails costs nothing. The gateway accepts your signature now, and moves the money after the answer, together with other payments. If you are new here, it moves the money before the tool runs; if the tool then fails, the money becomes your credit here.',
  upfront:
    'The money moves before the tool runs. A call that is refused costs nothing. If the tool fails, the money becomes your credit here.',
  credit:
    'You pay from credit that you buy here first. A call that is refused or fails costs nothing.',
  free: 'This tool is free. Your signature shows who calls, and moves no money.',
};

/** The price of a call: `at most 0.02 USDC`. */
export const priceText = ({ price, isUpTo, settlement }: PayTool): string =>
  settlement === 'free' ? 'Free' : `${isUpTo ? 'at most ' : ''}${decimalOf(price)} USDC`;

/** The cost of a call, and when the money moves. */
export const Cost = ({ tool, on }: { readonly tool: PayTool; readonly on: Network }) => (
  <div class="sum">
    <p>
      {tool.settlement === 'free' ? null : (
        <>
          You pay <strong title={`${tool.price} atomic units`}>{priceText(tool)}</strong>{' '}
          {tool.settlement === 'credit' ? 'from your credit ' : ''}on {networkName(on)}.
        </>
      )}
    </p>
    {tool.rates === undefined ? null : <p class="hint">It costs {tool.rates}.</p>}
    <p class="hint">{WHEN[tool.settlement]}</p>
  </div>
);
