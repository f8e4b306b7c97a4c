import type { ItemOf } from '../../client/management.ts';
import { gatewayNow } from '../data/gateway/gateway-clock.ts';
import { decimalsFor } from '../format/amount.ts';
import { chargeNote } from '../format/charge.ts';
import { agoOf, exactMomentOf } from '../format/time.ts';
import { Amount } from './amount.tsx';
import { Badge } from './badge.tsx';
import { AGENT, CALL } from './call-columns.tsx';
import { type Column, Table } from './table.tsx';

type Call = ItemOf<'calls.list'>;

/** The amount that a call added to the spend of its agent, so that the column adds up to its total, and a note about other money. */
const Charge = ({ call, decimals }: { readonly call: Call; readonly decimals: number }) => {
  const { spent, asset = '' } = call;
  const note = chargeNote(call);
  return (
    <>
      {spent === undefined ? '–' : <Amount atomic={spent} asset={asset} decimals={decimals} />}
      {note === undefined ? null : <span class="below">{note}</span>}
    </>
  );
};

const columnsOf = (rows: readonly Call[]): readonly Column<Call>[] => {
  const now = gatewayNow();
  const decimals = decimalsFor(rows.map(({ spent = '0' }) => BigInt(spent)));
  return [
    {
      head: 'When',
      cell: ({ accepted_at: at }) =>
        at === undefined ? '–' : <time title={exactMomentOf(at)}>{agoOf(at, now)}</time>,
    },
    { ...AGENT, drop: 1 },
    { ...CALL, head: 'Tool', isName: true },
    { head: 'State', cell: ({ state }) => <Badge state={state} /> },
    { head: 'HTTP status', isNumber: true, drop: 2, cell: ({ status }) => status ?? '–' },
    {
      head: 'Charged',
      isNumber: true,
      cell: (call) => <Charge call={call} decimals={decimals} />,
    },
  ];
};

const keyOf = ({ call }: Call): string => call;

/** Calls, newest first. */
export const CallTable = ({ rows }: { readonly rows: readonly Call[] }) => (
  <Table<Call> caption="Calls" rows={rows} keyOf={keyOf} columns={columnsOf(rows)} />
);

/** Calls of the agent whose page this is: rows do not name it. */
export const AgentCallTable = ({ rows }: { readonly rows: readonly Call[] }) => (
  <Table<Call>
    caption="Calls"
    rows={rows}
    keyOf={keyOf}
    columns={columnsOf(rows).filter(({ head }) => head !== 'Agent')}
  />
);
