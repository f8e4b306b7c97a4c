import { useState } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { useGatewayFacts } from '../../data/gateway/use-gateway-facts.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { type SoldTool, TOOL_DAYS, useSoldTools } from '../../data/tools/sold-tools.ts';
import { keptToolDraft } from '../../data/tools/kept-tool-draft.ts';
import { toolState } from '../../data/tools/tool-state.ts';
import { networkName } from '../../../protocol/network-name.ts';
import { shown } from '../../format/text.ts';
import { Badge } from '../../parts/badge.tsx';
import { Id } from '../../parts/id.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { ratesText } from '../../data/tools/rates-text.ts';
import { Price } from '../../parts/price.tsx';
import { Result } from '../../parts/result.tsx';
import { EditTool } from './edit-tool.tsx';
import { ToolActs } from './tool-acts.tsx';
import { ToolHistory } from './tool-history.tsx';
import { ToolCharged, ToolCount, ToolFailures } from './tool-figures.tsx';
import { SettlementWords } from './settlement-words.tsx';

/** The recipient of the payments for the tool, on each network. */
const Payees = () => {
  const facts = useGatewayFacts();
  return (
    <>
      {facts?.networks.map(({ network, payTo }) => (
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

/** One tool: its terms, its earnings, its versions, and the actions on it. For operators. */
export const Tool = ({ scope, params: { tool: id = '' } }: PageProps) => {
  const [, go] = useLocation();
  const [isEditing, setEditing] = useState(keptToolDraft(id).peek() !== undefined);
  const query = useSoldTools(scope);
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
                  ['State', <Badge state={toolState(found)} />],
                  ['Price of a call', <Price tool={found.tool} />],
                  ['Rates', ratesText(found.tool)],
                  ['Payment', <SettlementWords tool={found.tool} />],
                  ['Paid to', found.tool.settlement === 'free' ? undefined : <Payees />],
                  [
                    'Agents call',
                    <code>
                      {found.tool.method} {found.tool.path}
                    </code>,
                  ],
                  ['Gateway calls', <code>{shown(upstreamText(found))}</code>],
                  [`Charged in ${TOOL_DAYS} days (UTC)`, <ToolCharged tool={found} />],
                  ['Calls in these days', <ToolCount tool={found} of="calls" />],
                  ['Failed', <ToolFailures tool={found} />],
                  ['Denied', <ToolCount tool={found} of="denied" />],
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
              <details>
                <summary>Terms, as the gateway stores them</summary>
                <pre>
                  {JSON.stringify(found.tool, undefined, 2).split('\n').map(shown).join('\n')}
                </pre>
              </details>
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
