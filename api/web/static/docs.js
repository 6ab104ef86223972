const csrf = document.getElementById("swagger").dataset.csrf;
const requestInterceptor = (request) => {
  request.headers["X-CSRF-Token"] = csrf;
  return request;
};
window.SwaggerUIBundle({ url: "/openapi.json", requestInterceptor, dom_id: "#swagger", deepLinking: true, validatorUrl: null, syntaxHighlight: false });
