import './icon.css';

/** A path on a square of 24 units, drawn in the colour of the text beside it. The text has the same meaning. */
export const Icon = ({ path }: { readonly path: string | undefined }) => (
  <svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">
    <path d={path} />
  </svg>
);
