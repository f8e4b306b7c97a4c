import type { PageProps } from '../../data/session/scope.ts';
import { Page } from '../../parts/page.tsx';
import { AllAgents } from './all-agents.tsx';
import { OwnAgents } from './own-agents.tsx';

/** Every agent that may spend, whether it may now, and how much of its tightest limit is used. */
export const Agents = ({ scope }: PageProps) => (
  <Page title="Agents">
    {scope.role === 'operator' ? <AllAgents /> : <OwnAgents account={scope.account} />}
  </Page>
);
