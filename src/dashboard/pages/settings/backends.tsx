import type { ItemOf } from '../../../client/management.ts';
import { allOf } from '../../data/reading/list.ts';
import { useQuery } from '../../data/reading/query.ts';
import { networkName } from '../../../protocol/network-name.ts';
import { counted } from '../../format/amount.ts';
import { shortened, shown } from '../../format/text.ts';
import { exactMomentOf } from '../../format/time.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { oldBalance } from '../../format/old-balance.ts';
import { Badge } from '../../parts/badge.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Result } from '../../parts/result.tsx';
import { Table } from '../../parts/table.tsx';

type Backend = ItemOf<'backends'>;
type Relayer = ItemOf<'relayers'>;

/** People read an "open" circuit as healthy, so describe what the gateway does with the backend. */
const STATES = { closed: 'in use', open: 'not used', half_open: 'on trial' } as const;

/** Facilitators and relayers: whether they settle, and how much gas is left. */
export const Backends = () => {
  const query = useQuery('backends', async (management, signal) => {
    const [backends, relayers] = await Promise.all([
      allOf(management.list('backends', { signal })),
      allOf(management.list('relayers', { signal })),
    ]);
    return { backends, relayers };
  });
  return (
    <Result query={query} rows={3}>
      {({ backends, relayers }) => (
        <>
          {backends.length === 0 ? (
            <Empty title="No backend has had trouble.">
              <p>A backend appears here after its first failure, or after ten settled payments.</p>
            </Empty>
          ) : (
            <Table<Backend>
              caption="Settlement backends"
              rows={backends}
              keyOf={({ network, backend }) => `${network} ${backend}`}
              columns={[
                { head: 'Backend', cell: ({ backend }) => shown(backend) },
                { head: 'Network', drop: 1, cell: ({ network }) => networkName(network) },
                { head: 'State', cell: ({ state }) => <Badge state={STATES[state]} /> },
                { head: 'Settled', isNumber: true, cell: ({ succeeded }) => succeeded },
                { head: 'Failed', isNumber: true, cell: ({ failed }) => failed },
                {
                  head: 'Last error',
                  drop: 2,
                  cell: ({ last_error: error, last_error_at: at }) =>
                    error === undefined ? (
                      '–'
                    ) : (
                      <span title={at === undefined ? undefined : exactMomentOf(at)}>
                        {shown(error)}
                      </span>
                    ),
                },
              ]}
            />
          )}
          {relayers.map((relayer) => {
            const text = oldBalance(relayer, gatewayNow());
            return text === undefined ? null : (
              <Notice tone="warn" key={relayer.address}>
                <p>{text}</p>
              </Notice>
            );
          })}
          {relayers.length === 0 ? null : (
            <Table<Relayer>
              caption="Relayers"
              rows={relayers}
              keyOf={({ network, address }) => `${network} ${address}`}
              columns={[
                {
                  head: 'Relayer',
                  cell: ({ address }) => <code title={address}>{shortened(address)}</code>,
                },
                { head: 'Network', drop: 1, cell: ({ network }) => networkName(network) },
                { head: 'State', cell: ({ state }) => <Badge state={state} /> },
                {
                  head: 'Gas for',
                  isNumber: true,
                  cell: ({ covers }) => (covers === undefined ? '–' : counted(covers, 'payment')),
                },
                { head: 'Waiting', isNumber: true, cell: ({ waiting }) => waiting ?? '–' },
              ]}
            />
          )}
        </>
      )}
    </Result>
  );
};
