import type { ComponentChildren } from 'preact';
import { Link } from 'wouter-preact';
import './empty.css';

/** A list without rows: what it would show, why it is empty, and one next step. */
export const Empty = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) => (
  <div class="empty">
    <p class="title">{title}</p>
    {children}
  </div>
);

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
