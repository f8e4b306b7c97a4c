import type { ComponentChildren } from 'preact';
import type { Problem } from '../data/gateway/problem.ts';
import './notice.css';

/** Something that a person should know now. `bad` is read aloud at once. */
export const Notice = ({
  tone,
  children,
}: {
  readonly tone: 'warn' | 'bad';
  readonly children: ComponentChildren;
}) => (
  <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
    {children}
  </div>
);

/** The problem of a failed read, and a button that reads again. */
export const Failed = ({
  problem: { detail, hint },
  refresh,
}: {
  readonly problem: Problem;
  readonly refresh: () => void;
}) => (
  <Notice tone="bad">
    <p>
      <strong>{detail}</strong> {hint}
    </p>
    <button type="button" onClick={refresh}>
      Try again
    </button>
  </Notice>
);
