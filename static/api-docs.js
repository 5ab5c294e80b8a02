// What Swagger UI leaves out for people who do not see the page: names, the order of headings, links inside buttons.
(() => {
  const every = (selector, mend) => document.querySelectorAll(selector).forEach(mend);
  const give = (selector, attributes) =>
    every(selector, (each) => Object.entries(attributes).forEach(([name, value]) => {
      if (each.getAttribute(name) !== value) each.setAttribute(name, value);
    }));
  const mend = () => {
    every(".opblock-summary-control a[href]", (link) => link.removeAttribute("href"));
    give(".information-container", { role: "banner" });
    give(".scheme-container", { role: "region", "aria-label": "Signing in" });
    give(".opblock-tag, section.models h4", { role: "heading", "aria-level": "2" });
    give(".opblock-title", { "aria-level": "3" });
    give(".opblock-body h4:not(.opblock-title), .opblock-body h5", { "aria-level": "4" });
    give("pre.microlight, .highlight-code pre", { tabindex: "0" });
    every(".responses-table[role=region]", (table) => table.removeAttribute("role"));
    every("tr[data-param-name] :is(select, input)", (field) =>
      field.setAttribute("aria-label", field.closest("tr").dataset.paramName));
  };
  document.documentElement.lang = "en";
  new MutationObserver(mend).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
})();
