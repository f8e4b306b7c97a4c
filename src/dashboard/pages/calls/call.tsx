import type { ComponentChildren } from 'preact';
import { Link, useSearch } from 'wouter-preact';
import type { Hex } from '../../../core/hex.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { type CallName, type CallStory, readCallStory } from '../../data/calls/call-story.ts';
import { useQuery } from '../../data/reading/query.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { assetIn } from '../../format/denial-text.ts';
import { nameOf, shown, worded, TOP_UP, toolName } from '../../format/text.ts';
import { momentToSecond } from '../../format/time.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Amount } from '../../parts/amount.tsx';
import { Badge } from '../../parts/badge.tsx';
import { Id } from '../../parts/id.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { CallMoney } from './call-money.tsx';
import { CallTrace } from './call-trace.tsx';
import { CallSteps } from './call-steps.tsx';
import { EntryProofPart } from './entry-proof.tsx';
import { ReceiptCheck } from './receipt-check.tsx';
import './call.css';

/** The asset of a denied call, from its entries, because it has no row. */
const assetOf = ({ call, approval, entries }: CallStory): string => {
  const named = entries.map(assetIn).find((asset) => asset !== '');
  return call?.asset ?? approval?.asset ?? named ?? '';
};

const toolOf = ({ call, approval, entries }: CallStory): string =>
  call?.tool ?? approval?.tool ?? entries[0]?.tool ?? 'unknown';

const labelOf = ({ call, approval }: CallStory): string | undefined =>
  call?.label ?? approval?.label;

const stateOf = ({ call, approval }: CallStory): string =>
  call?.state ?? approval?.state ?? 'denied';

/** Tool, outcome and agent: “lookup, committed, by Alice”. */
const titleOf = ({ account }: CallName, story: CallStory): string =>
  [toolName(toolOf(story)), worded(stateOf(story)), `by ${nameOf(account, labelOf(story))}`].join(
    ', ',
  );

const seqIn = (search: string): number | undefined => {
  const seq = Number(new URLSearchParams(search).get('seq'));
  return Number.isSafeInteger(seq) && seq > 0 ? seq : undefined;
};

/** One call as a story: its signatures, the rule that decided, the tool's answer, its money, and the proofs. */
export const Call = ({ scope, params }: PageProps) => {
  const name: CallName = {
    account: (params['account'] ?? '') as AccountId,
    call: (params['call'] ?? '') as Hex,
  };
  const denial = seqIn(useSearch());
  const query = useQuery(
    `call ${scope.role} ${name.account} ${name.call} ${denial ?? ''}`,
    (management) => readCallStory(management, name, scope, denial),
    5,
  );
  return (
    <Page title="Call" about={query.data && titleOf(name, query.data)}>
      <Result query={query} rows={8}>
        {(story) => {
          const last = story.entries.at(-1);
          return (
            <>
              <Summary name={name} story={story} role={scope.role} />
              <Section title="What happened">
                {story.isComplete ? null : (
                  <Notice tone="warn">
                    Some entries of this call are missing here: they are too far apart in the log
                    for one read. Export the log of the agent to see all of them.
                  </Notice>
                )}
                <CallSteps
                  entries={story.entries}
                  approval={story.approval}
                  asset={assetOf(story)}
                />
              </Section>
              <Section title="Where the money is">
                <CallMoney story={story} name={name} role={scope.role} onDone={query.refresh} />
              </Section>
              {story.call === undefined ? null : (
                <>
                  <Section title="Receipt">
                    <ReceiptCheck name={name} />
                  </Section>
                  <Section title="Proof">
                    {last === undefined ? null : <EntryProofPart name={name} entry={last} />}
                  </Section>
                </>
              )}
            </>
          );
        }}
      </Result>
    </Page>
  );
};

const Summary = ({
  name,
  story,
  role,
}: {
  readonly name: CallName;
  readonly story: CallStory;
  readonly role: PageProps['scope']['role'];
}) => {
  const { call, approval } = story;
  const money = (atomic: string | undefined): ComponentChildren =>
    atomic === undefined ? undefined : <Amount atomic={atomic} asset={assetOf(story)} />;
  const requested = approval?.parked_at ?? story.entries[0]?.at;
  const tool = toolOf(story);
  return (
    <Facts
      facts={[
        ['Agent', <AccountLink account={name.account} label={labelOf(story)} />],
        [
          'Tool',
          role === 'operator' && tool !== TOP_UP ? (
            <Link href={`/tools/id/${tool}`}>{shown(tool)}</Link>
          ) : (
            toolName(tool)
          ),
        ],
        ['State', <Badge state={stateOf(story)} />],
        ['Price', money(call?.price ?? approval?.price)],
        // The money of a top-up is credit: lists and totals count no charge for it.
        ['Charged', tool === TOP_UP ? undefined : money(call?.charged)],
        ['Refunded', money(call?.refunded)],
        ['Answer of the tool', call?.status === undefined ? undefined : `status ${call.status}`],
        ['Reason', call?.reason === undefined ? undefined : worded(call.reason)],
        ['Requested', requested === undefined ? undefined : momentToSecond(requested)],
        [
          'Trace',
          story.trace === undefined ? undefined : <CallTrace trace={story.trace} role={role} />,
        ],
        ['Call id', <Id text={name.call} label="the call id" />],
      ]}
    />
  );
};
