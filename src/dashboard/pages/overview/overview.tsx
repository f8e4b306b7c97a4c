import { Link } from 'wouter-preact';
import { useOwnAccount } from '../../data/accounts/use-own-account.ts';
import { useFilters, listAddress } from '../../data/navigation/filters.ts';
import { type Days, readFigures, rowsOf } from '../../data/overview/figures.ts';
import { readMatters } from '../../data/overview/matters.ts';
import { needsCredit } from '../../data/overview/needs-credit.ts';
import { stoppedMatters } from '../../data/overview/stopped.ts';
import { useQuery } from '../../data/reading/query.ts';
import type { Query } from '../../data/reading/query-read.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { Bars } from './bars.tsx';
import { useCreditDialog } from '../../parts/credit/use-credit-dialog.tsx';
import { NoAgentsYet } from '../../parts/empty.tsx';
import { NoCredit } from '../../parts/no-credit.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import type { Matter } from '../../data/overview/matter.ts';
import { shown } from '../../format/text.ts';
import { Notice } from '../../parts/notice.tsx';
import { NewestCalls } from './newest-calls.tsx';
import { PeriodFigures } from './period-figures.tsx';
import { RuleList } from './rule-list.tsx';
import { Top } from './top.tsx';
import { Waiting } from './waiting.tsx';
import './overview.css';

/** The matters that need a person. Hidden without any. */
const Attention = ({ matters }: { readonly matters: readonly Matter[] }) =>
  matters.length === 0 ? null : (
    <section class="attention" aria-label="Needs attention">
      <Notice tone="warn">
        <ul>
          {matters.map(({ text, href }) => (
            <li key={`${href} ${text}`}>
              <Link href={href}>{shown(text)}</Link>
            </li>
          ))}
        </ul>
      </Notice>
    </section>
  );

const DAYS: readonly (readonly [Days, string])[] = [
  ['1', 'today'],
  ['7', '7 days'],
  ['30', '30 days'],
];

const isDays = (text: string | undefined): text is Days => DAYS.some(([days]) => days === text);

/** Whether a first read has ended: the notice would otherwise push down figures that are already visible. */
const isSettled = ({ data, problem }: Query<unknown>): boolean =>
  data !== undefined || problem !== undefined;

/** The most important facts first: matters that need a person, the amounts spent, who spent them, and the newest calls. */
export const Overview = ({ scope }: PageProps) => {
  const [{ days: asked }] = useFilters(['days']);
  const days = isDays(asked) ? asked : '7';
  const figures = useQuery(`figures ${scope.role} ${scope.account} ${days}`, (management, signal) =>
    readFigures(management, scope, days, signal),
  );
  const matters = useQuery(`matters ${scope.role} ${scope.account}`, (management, signal) =>
    readMatters(management, scope, signal),
  );
  const own = useOwnAccount(scope.role === 'owner' ? scope.account : undefined);
  const { onBuy, dialog } = useCreditDialog({
    ...{ account: scope.account, name: undefined },
    onBought: own.refresh,
  });
  const isKnown = isSettled(matters) && isSettled(own);
  return (
    <Page title="Overview">
      <Result
        query={{ ...figures, data: isKnown ? figures.data : undefined }}
        rows={24}
        unknown={
          <NoAgentsYet what="This page will show what your agents spend, and which of their calls need you." />
        }
      >
        {(read) => (
          <>
            <Attention
              matters={[
                ...(matters.data ?? []),
                ...(read.stopped === undefined ? [] : stoppedMatters(read.stopped, scope.account)),
              ]}
            />
            {scope.role === 'owner' && own.data !== undefined && needsCredit(read, own.data) ? (
              <NoCredit onBuy={onBuy} />
            ) : null}
            <Section
              title={scope.role === 'operator' ? 'Spent at this gateway' : 'Spent by your fleet'}
              note="charges less refunds; UTC days; a top-up is a call that charges nothing"
            >
              <PeriodFigures figures={read} of="charged" />
              <Bars days={rowsOf(read.days)} />
            </Section>
            {scope.role === 'operator' ? (
              <Section
                title="Earned"
                note="settled payments and used credit, less refunds; UTC days"
              >
                <PeriodFigures figures={read} of="earned" />
              </Section>
            ) : null}
            <div class="lists-of">
              <span id="lists-of">Days of the lists below</span>
              <div class="tabs" role="group" aria-labelledby="lists-of">
                {DAYS.map(([each, name]) => (
                  <Link
                    key={each}
                    href={listAddress('/', { days: each })}
                    aria-current={each === days ? 'true' : undefined}
                  >
                    {name}
                  </Link>
                ))}
              </div>
            </div>
            <div class="columns">
              <Section title="By agent">
                <Top figures={read} by="account" />
              </Section>
              <Section title="By tool">
                <Top figures={read} by="tool" role={scope.role} />
              </Section>
              <Section title="Denials by rule">
                <RuleList figures={read} />
              </Section>
              {scope.role === 'operator' ? (
                <Section title="Not settled yet">
                  <Waiting figures={read} />
                </Section>
              ) : null}
            </div>
            <NewestCalls scope={scope} />
          </>
        )}
      </Result>
      {dialog}
    </Page>
  );
};
