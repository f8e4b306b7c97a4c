import type { ComponentChildren } from 'preact';
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
