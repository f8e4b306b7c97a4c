import { useQuery } from '../../data/reading/query.ts';
import {
  answerText,
  type Delivery,
  type Webhook,
  type Webhooks,
} from '../../data/webhooks/webhooks.ts';
import { worded } from '../../format/text.ts';
import { momentOf } from '../../format/time.ts';
import { Badge } from '../../parts/badge.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Result } from '../../parts/result.tsx';
import { Table } from '../../parts/table.tsx';

/** The last 100 attempts to deliver to a webhook. */
export const Deliveries = ({
  webhooks,
  webhook,
  onClose,
}: {
  readonly webhooks: Webhooks;
  readonly webhook: Webhook;
  readonly onClose: () => void;
}) => {
  const title = `Deliveries to ${webhook.id}`;
  const query = useQuery(`deliveries ${webhook.id} ${webhook.etag}`, (management, signal) =>
    webhooks.deliveries(management, webhook, signal),
  );
  return (
    <Dialog title={title} isWide onClose={onClose}>
      <Result query={query} rows={4}>
        {(items) =>
          items.length === 0 ? (
            <Empty title="No deliveries yet.">
              <p>To send an alert now, close this and choose Test.</p>
            </Empty>
          ) : (
            <Table<Delivery>
              caption={title}
              rows={items}
              keyOf={({ message, attempt }) => `${message} ${attempt}`}
              columns={[
                { head: 'When', cell: ({ at }) => momentOf(at) },
                { head: 'Alert', cell: ({ rule, type }) => worded(rule ?? type) },
                { head: 'Outcome', cell: ({ outcome }) => <Badge state={outcome} /> },
                { head: 'Receiver', drop: 1, cell: (delivery) => answerText(delivery) },
                { head: 'Attempt', drop: 2, isNumber: true, cell: ({ attempt }) => attempt },
              ]}
            />
          )
        }
      </Result>
    </Dialog>
  );
};
