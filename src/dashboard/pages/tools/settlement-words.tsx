import type { ToolDocument } from '../../../management/tool.route.ts';

const SETTLEMENTS: Readonly<Record<ToolDocument['settlement'], string>> = {
  deferred: 'after the call',
  upfront: 'before the call',
  credit: 'from credit',
  free: 'never',
  card: 'by card',
};

/** When the payment for a call moves. */
export const SettlementWords = ({
  tool: { settlement },
}: {
  readonly tool: Pick<ToolDocument, 'settlement'>;
}) => <span title={`settlement ${settlement}`}>{SETTLEMENTS[settlement]}</span>;
