import type { ComponentChildren } from 'preact';
import './empty.css';

/** A list without rows: what it would show, why it shows nothing, and one thing to do. */
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
