// SPDX-License-Identifier: MPL-2.0

/** The nonce of this page, with which the policy allows style elements that libraries add. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

// Where the library that keeps the page behind a dialog from scrolling looks for the nonce.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce;

/**
 * Gives every style element that is made from now on the nonce, for a library that makes some and cannot be
 * told of one.
 */
export function giveStylesTheNonce() {
  const create = Document.prototype.createElement;
  document.createElement = ((tag: string, options?: ElementCreationOptions) => {
    const element = create.call(document, tag, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  }) as typeof document.createElement;
}
