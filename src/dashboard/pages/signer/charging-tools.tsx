import { Link } from 'wouter-preact';
import { type CatalogueTool, readCatalogue } from '../../data/tools/catalogue.ts';
import { useQuery } from '../../data/reading/query.ts';
import { shown } from '../../format/text.ts';
import { Empty } from '../../parts/empty.tsx';
import { Price } from '../../parts/price.tsx';
import { Result } from '../../parts/result.tsx';
import { Table } from '../../parts/table.tsx';

/** Tools that charge a card of the operator (docs/cards.md). */
export const ChargingTools = () => {
  const query = useQuery('catalogue', readCatalogue);
  return (
    <Result query={query} rows={2}>
      {(tools) => {
        const charging = tools.filter(({ tool }) => tool.settlement === 'card');
        return charging.length === 0 ? (
          <Empty title="No tool charges a card.">
            <p>
              A tool with settlement <code>card</code> pays with your card, within the budget of the
              agent that calls it. The agent never sees the card.
            </p>
          </Empty>
        ) : (
          <Table<CatalogueTool>
            caption="Tools that charge a card"
            rows={charging}
            keyOf={({ id }) => id}
            columns={[
              {
                head: 'Tool',
                cell: ({ id }) => <Link href={`/tools/id/${id}`}>{shown(id)}</Link>,
              },
              { head: 'Card', cell: ({ tool: { card } }) => cardText(card) },
              { head: 'A call costs', isNumber: true, cell: ({ tool }) => <Price tool={tool} /> },
            ]}
          />
        );
      }}
    </Result>
  );
};

const cardText = (card: CatalogueTool['tool']['card']): string => {
  switch (card?.['way']) {
    case 'issuing':
      return 'a new card for each call';
    case 'vault-proxy':
      return 'your card, from a card vault';
    default:
      return 'charged by the upstream itself';
  }
};
