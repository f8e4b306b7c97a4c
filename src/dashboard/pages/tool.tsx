import { useState } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { readGatewayFacts } from '../data/gateway-facts.ts';
import { useQuery } from '../data/query.ts';
import type { PageProps } from '../data/scope.ts';
import { readSoldTools, type SoldTool, TOOL_DAYS } from '../data/tools.ts';
import { networkName } from '../../protocol/network-name.ts';
import { shown } from '../format/text.ts';
import { Badge } from '../parts/badge.tsx';
import { Id } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { Facts } from '../parts/facts.tsx';
import { Notice } from '../parts/notice.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Price } from '../parts/price.tsx';
import { Result } from '../parts/result.tsx';
import { EditTool } from './edit-tool.tsx';
import { ToolActs } from './tool-acts.tsx';
import { ToolHistory } from './tool-history.tsx';
import { failuresOf, Revenue, settlementText, stateOf } from './tools.tsx';

const FACTS_SECONDS = 3600;

/** Where the money of the tool goes. */
const Payees = () => {
  const { data } = useQuery(
    'gateway facts',
    (_, signal) => readGatewayFacts(signal),
    FACTS_SECONDS,
  );
  return (
    <>
      {data?.payees.map(({ network, payTo }) => (
        <div key={network}>
          <Id text={payTo} label={`the payee on ${networkName(network)}`} /> on{' '}
          {networkName(network)}
        </div>
      ))}
    </>
  );
};

const upstreamText = ({ tool: { upstream } }: SoldTool): string => {
  if (typeof upstream === 'string') return upstream;
  return 'mcp' in upstream
    ? `${upstream.tool} of the MCP server ${upstream.mcp}`
    : `${upstream.path} of the Worker bound as ${upstream.service}`;
};

/** One tool: its terms, what it earned, its versions, and what may be done with it. For operators. */
export const Tool = ({ scope, params: { tool: id = '' } }: PageProps) => {
  const [, go] = useLocation();
  const [isEditing, setEditing] = useState(false);
  const query = useQuery(`tools ${scope.account}`, (management, signal) =>
    readSoldTools(management, scope, signal),
  );
  const stored = query.data?.find((each) => each.id === id);
  return (
    <Page title={shown(id)}>
      <Result query={query} rows={8}>
        {(tools) => {
          const found = tools.find((each) => each.id === id);
          return found === undefined ? (
            <Empty title="This gateway has no tool with this id.">
              <Link href="/tools">All tools</Link>
            </Empty>
          ) : (
            <>
              <p class="lead">{shown(found.tool.description)}</p>
              {found.fault === undefined ? null : (
                <Notice tone="bad">
                  The gateway does not serve this tool: it {shown(found.fault)}.
                </Notice>
              )}
              <Facts
                facts={[
                  ['State', <Badge state={stateOf(found)} />],
                  ['Price of a call', <Price tool={found.tool} />],
                  ['Money moves', settlementText(found.tool)],
                  ['Paid to', found.tool.settlement === 'free' ? undefined : <Payees />],
                  [
                    'Agents call',
                    <code>
                      {found.tool.method} {found.tool.path}
                    </code>,
                  ],
                  ['Gateway calls', <code>{shown(upstreamText(found))}</code>],
                  [`Charged in ${TOOL_DAYS} days (UTC)`, <Revenue tool={found} />],
                  ['Failed calls', failuresOf(found)],
                  ['Version', <Id text={found.etag} label="the hash of the version" />],
                ]}
              />
              {isEditing ? (
                <Section title="Edit">
                  <EditTool
                    stored={found}
                    onDone={() => {
                      setEditing(false);
                      query.refresh();
                    }}
                    onCancel={() => setEditing(false)}
                  />
                </Section>
              ) : (
                <ToolActs
                  tool={found}
                  onEdit={() => setEditing(true)}
                  onDone={(act) => {
                    query.refresh();
                    if (act === 'delete') go('/tools');
                  }}
                />
              )}
              <Section title="Terms">
                <details>
                  <summary>As the gateway stores them</summary>
                  <pre>
                    {JSON.stringify(found.tool, undefined, 2).split('\n').map(shown).join('\n')}
                  </pre>
                </details>
              </Section>
            </>
          );
        }}
      </Result>
      {stored === undefined ? null : (
        <Section title="Versions">
          <ToolHistory tool={stored} />
        </Section>
      )}
    </Page>
  );
};
