import { Link } from 'wouter-preact';
import { Empty } from './empty.tsx';

/** A page of an owner whose account the gateway does not know yet. `what`: what the page will show. */
export const NoAgentsYet = ({ what }: { readonly what: string }) => (
  <Empty title="You have no agents yet.">
    <p>{what}</p>
    <p>
      <Link class="button primary" href="/agents/new">
        Make an agent
      </Link>
    </p>
  </Empty>
);
